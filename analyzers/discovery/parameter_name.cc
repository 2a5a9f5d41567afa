#include "analyzers/discovery/parameter_name.h"

#include <string_view>

namespace specular {
namespace {

// "line-items" -> "lineItems"
std::string camel_case(const std::string& text) {
  std::string name;
  bool upper = false;
  for (char c : text) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9')) {
      upper = !name.empty();
      continue;
    }
    name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    upper = false;
  }
  return name;
}

}  // namespace

std::string singular(const std::string& plural) {
  auto ends = [&](std::string_view ending) { return plural.size() > ending.size() + 1 && plural.ends_with(ending); };
  auto without = [&](std::size_t count) { return plural.substr(0, plural.size() - count); };
  if (ends("ies")) return without(3) + "y";
  if (ends("sses") || ends("xes") || ends("ches") || ends("shes")) return without(2);
  if (ends("ss") || ends("us") || ends("is")) return plural;
  return ends("s") ? without(1) : plural;
}

bool is_plural(const std::string& text) {
  return singular(text) != text;
}

std::string parameter_name(const std::string& before, SegmentClass kind) {
  if (kind == SegmentClass::email) return "email";
  if (kind == SegmentClass::date || kind == SegmentClass::date_time) return "date";
  bool name = kind == SegmentClass::word || kind == SegmentClass::code;
  std::string base = camel_case(singular(before));
  if (base.empty()) return name ? "name" : "id";
  return name ? base : base + "Id";
}

}  // namespace specular
