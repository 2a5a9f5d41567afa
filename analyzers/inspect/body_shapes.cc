#include "analyzers/inspect/body_shapes.h"

#include <algorithm>

namespace specular {
namespace {

bool is_binary(std::string_view type) {
  static constexpr std::string_view kFamilies[] = {"image/", "video/", "audio/", "font/", "model/"};
  static constexpr std::string_view kTypes[] = {
      "application/octet-stream", "application/pdf",      "application/zip", "application/gzip", "application/wasm",
      "application/x-protobuf",   "application/protobuf", "text/css",        "text/event-stream"};
  auto in_family = [&](std::string_view family) { return type.starts_with(family); };
  return std::any_of(std::begin(kFamilies), std::end(kFamilies), in_family) || type.starts_with("application/grpc") ||
         type.starts_with("application/font") || type.ends_with("javascript") ||
         std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

// Whether a text begins as an object or an array of JSON does.
bool looks_like_json(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  auto at = text.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && (text[at] == '{' || text[at] == '[');
}

}  // namespace

MediaKind media_kind_of(std::string_view type) {
  if (type.ends_with("/json") || type.ends_with("+json") || type.ends_with("ndjson") || type.ends_with("/jsonl") ||
      type.ends_with("/x-json") || type.ends_with("json-seq")) {
    return MediaKind::json;
  }
  if (type == "application/x-www-form-urlencoded") return MediaKind::urlencoded;
  if (type == "multipart/form-data") return MediaKind::multipart;
  if (type.ends_with("/xml") || type.ends_with("+xml")) {
    return type == "application/xhtml+xml" || type.starts_with("image/") ? MediaKind::binary : MediaKind::xml;
  }
  return type.empty() || is_binary(type) ? MediaKind::binary : MediaKind::text;
}

void BodyShapes::read(MediaKind kind, const BodyView& body, Schema& into, NoveltyFilter* known) {
  bool seen = body.state == BodyState::whole || body.state == BodyState::clipped || body.state == BodyState::gap;
  if (!seen || body.bytes.empty()) return;
  bool cut = body.state != BodyState::whole;
  ReadState state = ReadState::unreadable;
  json_.tell_places_to(known);
  forms_.tell_places_to(known);
  xml_.tell_places_to(known);
  std::string_view text = as_text(body.bytes);
  bool json = (kind == MediaKind::text || kind == MediaKind::xml) && looks_like_json(text);
  switch (json ? MediaKind::json : kind) {
    case MediaKind::json: state = json_.read(body.bytes, body.padded, cut, into); break;
    case MediaKind::urlencoded: state = forms_.read_urlencoded(text, cut, into); break;
    case MediaKind::multipart: state = forms_.read_multipart(text, cut, into); break;
    case MediaKind::xml: state = xml_.read(text, cut, into); break;
    case MediaKind::text:
    case MediaKind::binary: return;
  }
  if (state == ReadState::unreadable && kind != MediaKind::text) ++into.unreadable;
}

}  // namespace specular
