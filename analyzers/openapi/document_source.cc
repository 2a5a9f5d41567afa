#include "analyzers/openapi/document_source.h"

#include <charconv>

#include <fmt/format.h>

namespace specular {
namespace {

constexpr int kMostHops = 100;  // of references to references

const char* name_of(SourceValue::Kind kind) {
  switch (kind) {
    case SourceValue::Kind::null: return "null";
    case SourceValue::Kind::boolean: return "true or false";
    case SourceValue::Kind::number: return "a number";
    case SourceValue::Kind::text: return "text";
    case SourceValue::Kind::list: return "a list";
    case SourceValue::Kind::object: return "an object";
  }
  return "";
}

// A part of a pointer in a URI fragment: %XX (RFC 3986 section 2.1), then ~1 and ~0 (RFC 6901 section 4).
std::string unescape(std::string_view part) {
  std::string plain;
  for (std::size_t i = 0; i < part.size(); ++i) {
    unsigned byte = 0;
    const char* digits = part.data() + i + 1;
    bool escaped =
        part[i] == '%' && i + 2 < part.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
    plain += escaped ? static_cast<char>(byte) : part[i];
    if (escaped) i += 2;
  }
  std::string name;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    bool escaped = plain[i] == '~' && i + 1 < plain.size() && (plain[i + 1] == '0' || plain[i + 1] == '1');
    name += !escaped ? plain[i] : plain[i + 1] == '0' ? '~' : '/';
    if (escaped) ++i;
  }
  return name;
}

}  // namespace

void DocumentSource::complain(SourceId where, const std::string& text) {
  if (!problem_) problem_ = Error{ErrorKind::invalid, fmt::format("{}:{}: {}", name_, line(where), text)};
}

bool DocumentSource::expect(SourceId id, Kind kind, std::string_view what) {
  if (at(id).is(kind)) return true;
  complain(id, fmt::format("{} must be {}, not {}", what, name_of(kind), name_of(at(id).kind)));
  return false;
}

const SourceId* DocumentSource::field(SourceId object, std::string_view key, Kind kind) {
  const SourceId* found = tree_.find(object, key);
  if (found == nullptr || at(*found).is(Kind::null)) return nullptr;
  return expect(*found, kind, fmt::format("'{}'", key)) ? found : nullptr;
}

std::string DocumentSource::text(SourceId object, std::string_view key) {
  const SourceId* found = field(object, key, Kind::text);
  return found == nullptr ? "" : at(*found).text;
}

bool DocumentSource::flag(SourceId object, std::string_view key) {
  const SourceId* found = field(object, key, Kind::boolean);
  return found != nullptr && at(*found).text == "true";
}

std::vector<std::string> DocumentSource::texts(SourceId object, std::string_view key) {
  std::vector<std::string> texts;
  const SourceId* list = field(object, key, Kind::list);
  if (list == nullptr || !spend(*list, at(*list).items.size())) return texts;
  for (SourceId item : at(*list).items) {
    if (expect(item, Kind::text, fmt::format("what '{}' lists", key))) texts.push_back(at(item).text);
  }
  return texts;
}

std::optional<SourceId> DocumentSource::resolve(SourceId where, const std::string& reference) {
  if (auto known = resolved_.find(reference); known != resolved_.end()) return known->second;
  if (!reference.starts_with('#')) {
    complain(where, fmt::format("'{}' refers outside of the document; bundle it into one file first", reference));
    return std::nullopt;
  }
  SourceId found = tree_.root();
  for (std::size_t begin = 1; begin < reference.size();) {
    auto end = std::min(reference.find('/', begin + 1), reference.size());
    std::string name = unescape(std::string_view(reference).substr(begin + 1, end - begin - 1));
    const SourceId* next = reference[begin] == '/' ? tree_.find(found, name) : nullptr;
    if (const SourceValue& list = at(found); list.is(Kind::list) && reference[begin] == '/') {
      std::size_t index = list.items.size();
      std::from_chars(name.data(), name.data() + name.size(), index);
      if (index < list.items.size()) next = &list.items[index];
    }
    if (next == nullptr) {
      complain(where, fmt::format("'{}' refers to nothing in the document", reference));
      return std::nullopt;
    }
    found = *next;
    begin = end;
  }
  resolved_.emplace(reference, found);
  return found;
}

std::optional<SourceId> DocumentSource::follow(SourceId id) {
  SourceId at_last = id;
  for (int hops = 0; hops < kMostHops; ++hops) {
    const SourceId* reference = tree_.find(at_last, "$ref");
    if (reference == nullptr || !at(*reference).is(Kind::text)) return at_last;
    auto next = resolve(*reference, at(*reference).text);
    if (!next) return std::nullopt;
    at_last = *next;
  }
  complain(id, "a reference that leads to itself");
  return std::nullopt;
}

std::string DocumentSource::canonical(SourceId id) {
  std::string text = to_canonical(tree_, id, steps_);
  spend(id, 0);
  return text;
}

bool DocumentSource::spend(SourceId where, std::size_t count) {
  steps_ -= std::min(steps_, count);
  if (steps_ == 0) complain(where, "too large: what is referred to again and again adds up");
  return steps_ > 0;
}

}  // namespace specular
