// BodyShapes: one body of any media type, read into the summary of its place. Others than JSON, forms and XML are known
// by type and size alone; but servers call their JSON anything, so what may be text is looked at whether it is JSON.
#pragma once

#include <string_view>

#include "analyzers/inspect/form_shape.h"
#include "analyzers/inspect/json_shape.h"
#include "analyzers/inspect/xml_shape.h"

namespace specular {

enum class MediaKind : std::uint8_t { binary, text, json, urlencoded, multipart, xml };

// Requires: the media type is in lower case, without parameters.
MediaKind media_kind_of(std::string_view type);

class BodyShapes {
 public:
  explicit BodyShapes(const HashKey& key) : json_(key), forms_(key), xml_(key) {}

  // Counts the body in the schema, and adds what is in it. Bodies without bytes, or of kinds that are not read, leave
  // it alone. What places its documents have is told to `known`, unless that is null.
  void read(MediaKind kind, const BodyView& body, Schema& into, NoveltyFilter* known);
  // About how many bytes of memory schemas have grown by, in all.
  std::size_t grown() const { return json_.grown() + forms_.grown() + xml_.grown(); }

 private:
  JsonShapes json_;
  FormShapes forms_;
  XmlShapes xml_;
};

}  // namespace specular
