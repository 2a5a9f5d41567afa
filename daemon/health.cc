#include "daemon/health.h"

namespace specular {
namespace {

class HealthAnswer final : public Answering {
 public:
  explicit HealthAnswer(Running& running) : running_(running) {}

  std::string answer(const std::string& head) override {
    std::size_t end = head.find_first_of("\r\n");
    std::size_t version = head.rfind(" HTTP/1.", end);
    if (version == std::string::npos || version + 9 != end) return {};
    const char* status = running_.health().healthy ? "200 OK" : "503 Service Unavailable";
    return std::string("HTTP/1.1 ") + status + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  }

 private:
  Running& running_;
};

}  // namespace

std::unique_ptr<Reception> serve_health(ListenSocket socket, Running& running) {
  Reception::Limits limits;
  limits.connections = 256;
  limits.head_bytes = 4096;
  limits.to_take = std::chrono::seconds(3);
  return std::make_unique<Reception>(std::move(socket), limits, std::make_unique<HealthAnswer>(running));
}

}  // namespace specular
