// What of HTTP the daemon's servers need: a request line to understand and a response to write. No header has a say.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemon/reception.h"

namespace specular {

struct HttpResponse {
  int status = 200;
  std::string type = "application/json", body;
};

// {"error": TEXT}
HttpResponse error_response(int status, const std::string& text);

class HttpAnswering : public Answering {
 public:
  // Decoded, and still hostile.
  using Parameters = std::multimap<std::string, std::string>;

  HttpAnswering();
  ~HttpAnswering() override;

  std::string answer(const std::string& head) final;
  std::string answer_too_large() final;
  std::string answer_busy() final;

 private:
  class Server;

  // Called for GET and HEAD.
  virtual HttpResponse respond(const std::string& path, const Parameters& parameters) = 0;
  // Called for POST, whose parameters stand in its target; no body is read.
  virtual HttpResponse respond_to_post(const std::string& path, const Parameters& parameters);

  std::unique_ptr<Server> server_;
};

}  // namespace specular
