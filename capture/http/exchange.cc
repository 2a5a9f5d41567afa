#include "capture/exchange.h"

#include <algorithm>

namespace specular {

const char* to_text(Anomaly anomaly) {
  static constexpr const char* kNames[] = {
#define ANOMALY(name, help) #name,
#include "capture/http/anomalies.def"
#undef ANOMALY
  };
  return kNames[static_cast<std::size_t>(anomaly)];
}

const char* help_of(Anomaly anomaly) {
  static constexpr const char* kHelp[] = {
#define ANOMALY(name, help) help,
#include "capture/http/anomalies.def"
#undef ANOMALY
  };
  return kHelp[static_cast<std::size_t>(anomaly)];
}

const char* to_text(Whole whole) {
  switch (whole) {
    case Whole::complete: return "complete";
    case Whole::request_only: return "request_only";
    case Whole::response_only: return "response_only";
    case Whole::clipped: return "clipped";
    case Whole::gap: return "gap";
  }
  return "";
}

const char* to_text(Protocol protocol) {
  switch (protocol) {
    case Protocol::unknown: return "unknown";
    case Protocol::http1: return "http1";
    case Protocol::http2: return "http2";
    case Protocol::tls: return "tls";
    case Protocol::switched: return "switched";
  }
  return "";
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  auto to_lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [&](char a, char b) { return to_lower(a) == b; });
}

std::optional<std::string_view> find_header(std::span<const HeaderField> fields, std::string_view name) {
  for (const HeaderField& field : fields) {
    if (field.name.size() == name.size() && equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

}  // namespace specular
