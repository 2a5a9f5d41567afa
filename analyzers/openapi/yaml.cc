#include <algorithm>

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include "analyzers/openapi/exporter.h"

namespace specular {
namespace {

using Json = nlohmann::ordered_json;

// A key of more than 1024 characters needs a question mark before it (YAML 1.2 section 7.4.2); escapes make it longer.
constexpr std::size_t kLongestSimpleKey = 1024 / 6;

// Whether YAML readers of any age take the text for a string without quotes.
bool is_plain(const std::string& text) {
  if (text.empty() || text.size() > 60) return false;
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  auto inner = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '/' || c == '.' || c == ' ';
  };
  if ((!letter(text[0]) && text[0] != '/') || text.back() == ' ' || !std::all_of(text.begin(), text.end(), inner))
    return false;
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return static_cast<char>(c | 0x20); });
  static constexpr std::string_view kReserved[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"};
  return std::find(std::begin(kReserved), std::end(kReserved), lower) == std::end(kReserved);
}

void emit_text(YAML::Emitter& out, const std::string& text) {
  if (is_plain(text)) {
    out << text;
  } else {
    out << YAML::DoubleQuoted << text;
  }
}

void emit(YAML::Emitter& out, const Json& value) {
  switch (value.type()) {
    case Json::value_t::object:
      if (value.empty()) out << YAML::Flow;
      out << YAML::BeginMap;
      for (const auto& [key, item] : value.items()) {
        if (key.size() > kLongestSimpleKey) out << YAML::LongKey;
        out << YAML::Key;
        emit_text(out, key);
        out << YAML::Value;
        emit(out, item);
      }
      out << YAML::EndMap;
      return;
    case Json::value_t::array:
      if (value.empty()) out << YAML::Flow;
      out << YAML::BeginSeq;
      for (const auto& item : value) emit(out, item);
      out << YAML::EndSeq;
      return;
    case Json::value_t::string: return emit_text(out, value.get_ref<const std::string&>());
    case Json::value_t::null: out << YAML::Null; return;
    case Json::value_t::boolean:
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
    case Json::value_t::binary:
    case Json::value_t::discarded: out << value.dump(); return;
  }
}

}  // namespace

std::string to_yaml(const Json& document) {
  YAML::Emitter out;
  out.SetOutputCharset(YAML::EscapeNonAscii);
  emit(out, document);
  // Only the emitter thinks that DEL is printable; it stands between quotes, as is_plain() has it.
  std::string text;
  for (const char* c = out.c_str(); *c != '\0'; ++c) text += *c == '\x7f' ? "\\x7f" : std::string(1, *c);
  return text + "\n";
}

}  // namespace specular
