#include "tests/analyzers/schemas.h"

#include <set>

#include <fmt/format.h>

#include "analyzers/epoch.h"

namespace specular::test {
namespace {

std::string range_of(const Range& range) {
  return range.empty() ? "" : fmt::format(" {}..{}", range.low, range.high);
}

void add_lines(const SchemaNode& node, const std::string& path, Lines& lines) {
  std::string line = path.empty() ? "$" : path;
  for (std::size_t i = 0; i < kValueKinds; ++i) {
    if (node.kinds[i] > 0) line += fmt::format(" {}:{}", to_text(static_cast<ValueKind>(i)), node.kinds[i]);
  }
  if (node.number) line += range_of(*node.number);
  if (node.text) {
    for (std::size_t i = 0; i < kTextFormats; ++i) {
      bool told = node.text->formats[i] > 0 && static_cast<TextFormat>(i) != TextFormat::plain;
      if (told) line += fmt::format(" {}:{}", to_text(static_cast<TextFormat>(i)), node.text->formats[i]);
    }
    std::set<std::string> members;
    for (const auto& member : node.text->members.list()) members.insert(member.text);
    for (const std::string& member : members) line += " " + member;
  }
  lines.push_back(line);
  if (node.object) {
    for (const Property& property : node.object->properties) {
      add_lines(property.node, path.empty() ? property.name : path + "." + property.name, lines);
    }
    if (node.object->values) add_lines(*node.object->values, path.empty() ? "*" : path + ".*", lines);
  }
  if (node.array && node.array->items.seen() > 0) add_lines(node.array->items, path + "[]", lines);
}

std::string pick(std::mt19937_64& random, std::initializer_list<const char*> choices) {
  return *(choices.begin() + random() % choices.size());
}

std::string random_value(std::mt19937_64& random, int depth) {
  switch (random() % (depth > 3 ? 6 : 8)) {
    case 0: return std::to_string(random() % 1000);
    case 1: return fmt::format("{}.5", random() % 100);
    case 2: return pick(random, {"true", "false", "null"});
    case 3: return pick(random, {"\"open\"", "\"closed\"", "\"on hold\"", "\"\""});
    case 4: return fmt::format("\"word{}\"", std::string(1 + random() % 3, static_cast<char>('a' + random() % 26)));
    case 5: return pick(random, {"\"2026-03-01\"", "\"a@b.example\"", "\"10.0.0.1\"", "\"https://x.example/\""});
    case 6: {
      std::string text = "[";
      for (std::size_t i = random() % 4; i > 0; --i) text += random_value(random, depth + 1) + (i > 1 ? "," : "");
      return text + "]";
    }
    default: {
      std::string text = "{";
      for (std::size_t i = random() % 5; i > 0; --i) {
        std::string key = random() % 6 == 0 ? std::to_string(100000 + random() % 1000)
                                            : pick(random, {"id", "state", "items", "owner", "note", "extra", "rate"});
        text += fmt::format("\"{}\":{}{}", key, random_value(random, depth + 1), i > 1 ? "," : "");
      }
      return text + "}";
    }
  }
}

}  // namespace

void read(const std::string& type, const std::string& document, Schema& into, BodyState state) {
  BodyShapes shapes{HashKey{}};
  shapes.read(media_kind_of(type), PaddedBody(document).view(state), into, nullptr);
}

Schema schema_of(const std::string& type, const std::vector<std::string>& documents) {
  Schema schema;
  BodyShapes shapes{HashKey{}};
  for (const std::string& document : documents) {
    shapes.read(media_kind_of(type), PaddedBody(document).view(), schema, nullptr);
  }
  return schema;
}

Schema schema_of_json(const std::vector<std::string>& documents) {
  return schema_of("application/json", documents);
}

Lines lines_of(const Schema& schema) {
  Lines lines;
  add_lines(schema.root, "", lines);
  return lines;
}

std::string bytes_of(const Schema& schema) {
  EndpointSummary summary;
  *summary.shapes.find({ShapePlace::Part::response, 200, "application/json"}) = schema;
  return encode(summary);
}

std::string random_document(std::mt19937_64& random) {
  return "{\"data\":" + random_value(random, 0) + ",\"page\":" + std::to_string(random() % 50) + "}";
}

}  // namespace specular::test
