#include "daemon/control_http.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <httplib.h>

#include "daemon/rows.h"

namespace specular {
namespace {

// A connection that is all there already; what is written is kept.
class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(std::string input) : input_(std::move(input)) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    size = std::min(size, input_.size() - read_);
    std::memcpy(to, input_.data() + read_, size);
    read_ += size;
    return static_cast<ssize_t>(size);
  }
  ssize_t write(const char* from, std::size_t size) override {
    output_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return -1; }

  std::string take_output() { return std::move(output_); }

 private:
  std::string input_, output_;
  std::size_t read_ = 0;
};

void write_to(HttpResponse from, httplib::Response& to) {
  to.status = from.status;
  to.set_header("Content-Type", from.type);
  to.set_header("Cache-Control", "no-store");
  to.body = std::move(from.body);
}

// To a request that nobody reads.
std::string refusal(const char* status, const HttpResponse& response) {
  return fmt::format("HTTP/1.1 {}\r\nConnection: close\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", status,
                     response.type, response.body.size(), response.body);
}

}  // namespace

HttpResponse error_response(int status, const std::string& text) {
  return {status, "application/json", to_text(Json{{"error", text}}) + "\n"};
}

// The library's own loop gives each connection a thread for as long as the other side likes; only its reading of
// requests and writing of responses is used.
class HttpAnswering::Server final : public httplib::Server {
 public:
  explicit Server(HttpAnswering& owner) {
    set_pre_routing_handler([&owner](const httplib::Request& request, httplib::Response& response) {
      bool reads = request.method == "GET" || request.method == "HEAD", posts = request.method == "POST";
      HttpResponse answer = reads   ? owner.respond(request.path, request.params)
                            : posts ? owner.respond_to_post(request.path, request.params)
                                    : error_response(405, "only GET and POST are understood");
      if (answer.status == 405) response.set_header("Allow", posts ? "GET, HEAD" : "GET, HEAD, POST");
      write_to(std::move(answer), response);
      return HandlerResponse::Handled;
    });
    set_error_handler(Handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty()) write_to(error_response(response.status, "no request that is understood"), response);
    }));
  }

  // Only the first line is shown to it: ranges, codings and lengths are not for these answers.
  std::string answer(const std::string& head) {
    std::size_t end = head.find_first_of("\r\n");
    MemoryStream stream(head.substr(0, end) + "\r\n\r\n");
    bool closed = false;
    process_request(stream, true, closed, nullptr);
    return stream.take_output();
  }
};

HttpAnswering::HttpAnswering() : server_(std::make_unique<Server>(*this)) {}

HttpAnswering::~HttpAnswering() = default;

HttpResponse HttpAnswering::respond_to_post(const std::string&, const Parameters&) {
  return error_response(405, "only GET is understood here");
}

std::string HttpAnswering::answer(const std::string& head) {
  return server_->answer(head);
}

std::string HttpAnswering::answer_too_large() {
  return refusal("431 Request Header Fields Too Large", error_response(431, "the request is too large"));
}

std::string HttpAnswering::answer_busy() {
  return refusal("503 Service Unavailable", error_response(503, "too many requests wait already"));
}

}  // namespace specular
