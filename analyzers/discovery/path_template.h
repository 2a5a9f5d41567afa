// PathTemplate: a path as a user writes it, with parameters in braces: /users/{userId}/report.json, /jobs/{}:cancel.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "capture/base/result.h"

namespace specular {

struct TemplateSegment {
  bool is_parameter = false;
  std::string name;  // of the parameter; empty: none was given
  std::string text;  // a literal; or what stands behind the parameter's value: ".json", ":cancel"

  bool operator==(const TemplateSegment&) const = default;
};
using PathTemplate = std::vector<TemplateSegment>;

// Literals come out as normalise_path() spells them. Fails with `invalid`, saying what is wrong, for what is no path or
// too long for one.
Result<PathTemplate> parse_template(std::string_view text);

std::string to_text(const PathTemplate& path);   // what parse_template() takes; "/" for the root
std::string shape_of(const PathTemplate& path);  // the same with no names: /users/{}/report.json

}  // namespace specular
