// What differs between two documents, and whether clients that were written for the old one break by it.
#pragma once

#include <cstdint>
#include <string>

namespace specular {

enum class ChangeKind : std::uint8_t { added, removed, changed };

struct Change {
  ChangeKind kind = ChangeKind::changed;
  bool breaking = false;
  std::string subject;       // "operation", "parameter", "request property", "response property", "status" …
  std::string method, path;  // of the operation, with what servers put before the path; empty: of the whole document
  std::string place;         // in the operation: "query page", "200 application/json items[].name"; may be empty
  std::string aspect;        // what of it: "type", "maxLength"; empty: all of it
  std::string before, after;
  std::string reason;                        // why it is breaking, or is not
  std::uint32_t old_line = 0, new_line = 0;  // 0: it has none
};

}  // namespace specular
