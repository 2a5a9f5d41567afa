#include "analyzers/inspect/form_shape.h"

#include <algorithm>

#include "capture/base/text.h"

namespace specular {
namespace {

constexpr std::size_t kMaxBrackets = 8;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = to_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The value of a parameter such as name="x" in a Content-Disposition (RFC 7578 section 4.2).
std::string_view parameter_of(std::string_view header, std::string_view name) {
  for (std::size_t at = header.find(';'); at != std::string_view::npos; at = header.find(';', at + 1)) {
    std::string_view rest = trim(header.substr(at + 1));
    if (!rest.starts_with(name) || rest.size() <= name.size() || rest[name.size()] != '=') continue;
    rest.remove_prefix(name.size() + 1);
    if (!rest.starts_with('"')) return rest.substr(0, rest.find(';'));
    return rest.substr(1, rest.find('"', 1) - 1);
  }
  return {};
}

}  // namespace

void decode_form(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    if (escape) {
      out += static_cast<char>(hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
}

// a[b][0] is what stands at position 0 of b of a; a name whose brackets do not match is a name.
void FormShapes::add_field(std::string_view name, std::string_view value, bool opaque) {
  auto bracket = name.find('[');
  bool nested = bracket != std::string_view::npos && bracket > 0 && name.back() == ']';
  TextTree::Index node = tree_.child(TextTree::kRoot, nested ? name.substr(0, bracket) : name);
  std::string_view rest = nested ? name.substr(bracket) : std::string_view();
  for (std::size_t level = 0; node != TextTree::kNone && level < kMaxBrackets && rest.starts_with('['); ++level) {
    auto end = rest.find(']');
    if (end == std::string_view::npos) break;
    node = tree_.child(node, rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
  }
  if (node != TextTree::kNone) tree_.add_value(node, value, opaque);
}

ReadState FormShapes::read_urlencoded(std::string_view body, bool cut, Schema& into) {
  tree_.clear();
  std::string_view rest = trim(body, " \t\r\n");
  while (!rest.empty() && !tree_.is_full()) {
    auto end = rest.find('&');
    // What is cut off may be longer.
    if (cut && end == std::string_view::npos) break;
    std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    auto equals = pair.find('=');
    if (pair.empty()) continue;
    decode_form(pair.substr(0, equals), name_);
    decode_form(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), value_);
    // Without a single pair it is something else that was called a form.
    if (tree_.empty() && equals == std::string_view::npos) return ReadState::unreadable;
    add_field(name_, value_, false);
  }
  if (tree_.empty()) return ReadState::unreadable;
  bool whole = !cut && !tree_.is_full();
  writer_.begin(into, SchemaWriter::Source::untyped);
  tree_.tell(writer_);
  writer_.end(DocumentSketch::hash_of(key_, as_bytes(body)), whole);
  return whole ? ReadState::whole : ReadState::partial;
}

// One part: its header fields, an empty line, its value. False if it has no name.
bool FormShapes::add_part(std::string_view part) {
  auto end = part.find("\r\n\r\n");
  if (end == std::string_view::npos) return false;
  std::string_view head = part.substr(0, end), value = part.substr(end + 4), disposition;
  while (!head.empty()) {
    auto line_end = std::min(head.find("\r\n"), head.size());
    std::string_view line = head.substr(0, line_end);
    head.remove_prefix(std::min(line_end + 2, head.size()));
    auto colon = line.find(':');
    if (colon != line.npos && equals_ignoring_case(trim(line.substr(0, colon)), "content-disposition"))
      disposition = line.substr(colon + 1);
  }
  std::string_view name = parameter_of(disposition, "name");
  if (name.empty()) return false;
  add_field(name, value, disposition.find("filename") != std::string_view::npos);
  return true;
}

// RFC 2046 section 5.1: parts between lines that are the delimiter, which the first line tells.
ReadState FormShapes::read_multipart(std::string_view body, bool cut, Schema& into) {
  tree_.clear();
  std::string_view rest = body;
  while (rest.starts_with("\r\n")) rest.remove_prefix(2);
  auto line_end = rest.find("\r\n");
  if (!rest.starts_with("--") || line_end == std::string_view::npos || line_end > 80) return ReadState::unreadable;
  std::string delimiter = "\r\n" + std::string(rest.substr(0, line_end));
  rest.remove_prefix(line_end + 2);
  bool closed = false;
  while (!closed && !tree_.is_full()) {
    auto end = rest.find(delimiter);
    if (end == std::string_view::npos) break;
    add_part(rest.substr(0, end));
    rest.remove_prefix(end + delimiter.size());
    closed = rest.starts_with("--");
    if (rest.starts_with("\r\n")) rest.remove_prefix(2);
  }
  if (tree_.empty() || (!closed && !cut && !tree_.is_full())) return ReadState::unreadable;
  bool whole = closed && !tree_.is_full();
  writer_.begin(into, SchemaWriter::Source::untyped);
  tree_.tell(writer_);
  writer_.end(DocumentSketch::hash_of(key_, as_bytes(body)), whole);
  return whole ? ReadState::whole : ReadState::partial;
}

void ParameterShapes::add(std::string_view name, std::string_view value, bool encoded) {
  if (parameters_.size() < TextTree::kMaxFields) parameters_.push_back({std::string(name), value, encoded});
}

void ParameterShapes::tell(const Parameter& parameter) {
  bool plain = !parameter.encoded || parameter.value.find_first_of("%+") == std::string_view::npos;
  if (!plain) decode_form(parameter.value, value_);
  writer_.string(plain ? parameter.value : std::string_view(value_));
}

void ParameterShapes::end(Schema& into) {
  std::stable_sort(parameters_.begin(), parameters_.end(),
                   [](const Parameter& a, const Parameter& b) { return a.name < b.name; });
  std::uint64_t hash = 0;
  writer_.begin(into, SchemaWriter::Source::untyped);
  writer_.begin_object();
  for (auto at = parameters_.begin(); at != parameters_.end();) {
    auto end = std::find_if(at, parameters_.end(), [&](const Parameter& other) { return other.name != at->name; });
    bool several = end - at > 1;
    writer_.key(at->name);
    if (several) writer_.begin_array();
    for (; at != end; ++at) {
      tell(*at);
      hash = fold(hash ^ fast_hash(key_, as_bytes(at->name)), fast_hash(key_, as_bytes(at->value)) | 1);
    }
    if (several) writer_.end_array();
  }
  writer_.end_object();
  writer_.end(hash, true);
}

}  // namespace specular
