#include "daemon/control.h"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/changes.h"
#include "daemon/control_http.h"
#include "daemon/loops.h"
#include "daemon/queries.h"

namespace specular {
namespace {

constexpr std::string_view kPrefix = "/v1/";

int status_of(QueryError::Kind kind) {
  switch (kind) {
    case QueryError::Kind::unknown: return 404;
    case QueryError::Kind::parameter: return 400;
    case QueryError::Kind::nothing: return 404;
    case QueryError::Kind::several: return 409;
    case QueryError::Kind::failed: return 503;
  }
  return 500;
}

// Rows become text one by one: as a tree of values they would take many times as much.
class Written final : public AnswerSink {
 public:
  void on_row(Json row) override {
    response_.body += response_.body.empty() ? "[\n" : ",\n";
    response_.body += to_text(row);
  }
  void on_document(std::string text, const char* content_type) override {
    is_document_ = true;
    response_.type = content_type;
    response_.body = std::move(text);
  }

  HttpResponse take() {
    if (!is_document_) response_.body += response_.body.empty() ? "[]\n" : "\n]\n";
    return std::move(response_);
  }

 private:
  HttpResponse response_;
  bool is_document_ = false;
};

class Control final : public HttpAnswering {
 public:
  explicit Control(Running& running) : running_(running) {}

 private:
  HttpResponse respond(const std::string& path, const Parameters& parameters) override {
    return with_query(path, parameters, [this](const Query& query) {
      if (is_change(query.path)) return error_response(405, query.path + " wants POST");
      return query.path == "status" ? status(query) : ask(query);
    });
  }
  HttpResponse respond_to_post(const std::string& path, const Parameters& parameters) override {
    return with_query(path, parameters, [this](const Query& query) {
      if (!is_change(query.path)) return error_response(405, query.path + " wants GET");
      return change(query);
    });
  }

  HttpResponse with_query(const std::string& path, const Parameters& parameters,
                          const std::function<HttpResponse(const Query&)>& answer) {
    if (!path.starts_with(kPrefix)) return error_response(404, fmt::format("there is no {}", path));
    Query query{path.substr(kPrefix.size()), {}};
    for (const auto& [name, value] : parameters) {
      bool first = query.parameters.emplace(name, value).second;
      if (!first) return error_response(400, fmt::format("the parameter '{}' comes twice", name));
    }
    return answer(query);
  }

  HttpResponse status(const Query& query) {
    if (!query.parameters.empty()) return error_response(400, "status has no parameters");
    return {200, HttpResponse().type, to_text(running_.status()) + "\n"};
  }

  HttpResponse ask(const Query& query) {
    return written([&](AnswerSink& sink) {
      return answer_query(
          query, [this](const auto& reader) { running_.read_inventory(reader); }, sink);
    });
  }

  HttpResponse change(const Query& query) {
    return written([&](AnswerSink& sink) {
      return answer_change(
          query, wall_now(), [this](const auto& reader) { running_.read_inventory(reader); },
          [this](const auto& change) { return running_.change(change); }, sink);
    });
  }

  template <class Answer>
  static HttpResponse written(Answer answer) {
    Written written;
    if (auto answered = answer(written); !answered) {
      return error_response(status_of(answered.error().kind), answered.error().text);
    }
    return written.take();
  }

  // Queries one after the other in a thread, since each copies a good part of the inventory; the status in another.
  std::size_t thread_for(const std::string& head) const override {
    std::string_view target = std::string_view(head).substr(std::min(head.find(' '), head.size()));
    return target.starts_with(" /v1/status") ? 0 : 1;
  }

  Running& running_;
};

class MetricsPage final : public HttpAnswering {
 public:
  explicit MetricsPage(Running& running) : running_(running) {}

 private:
  HttpResponse respond(const std::string& path, const Parameters&) override {
    if (path != "/metrics") return error_response(404, "there is nothing but /metrics");
    return {200, "text/plain; version=0.0.4; charset=utf-8", running_.metrics().prometheus_text()};
  }

  Running& running_;
};

}  // namespace

std::unique_ptr<Reception> serve_control(ListenSocket socket, Running& running) {
  Reception::Limits limits;
  limits.connections = 32;
  limits.threads = 2;
  return std::make_unique<Reception>(std::move(socket), limits, std::make_unique<Control>(running));
}

std::unique_ptr<Reception> serve_metrics(ListenSocket socket, Running& running) {
  Reception::Limits limits;
  limits.connections = 32;
  limits.threads = 1;
  return std::make_unique<Reception>(std::move(socket), limits, std::make_unique<MetricsPage>(running));
}

}  // namespace specular
