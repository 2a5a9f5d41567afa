// TolerantJson: reads JSON texts behind each other, as far as they are there. Takes what a strict reader does not:
// bytes that are no UTF-8, a byte order mark, control characters in strings, an end that is missing. A value that is
// cut off is not told, nor is a key whose value is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "analyzers/discovery/schema_writer.h"

namespace specular {

class TolerantJson {
 public:
  enum class End : std::uint8_t {
    complete,
    ran_out,   // in the middle of a document
    too_much,  // more values or levels than are told
    broken,    // that is no JSON
  };

  TolerantJson(std::string_view text, SchemaWriter& writer, const HashKey& key)
      : rest_(text), writer_(writer), key_(key) {}

  End read(Schema& into);

 private:
  enum class Step : std::uint8_t { done, ran_out, too_much, broken };

  Step read_document();
  Step begin_value();
  Step after_value();
  Step read_key();
  Step read_string(std::string& out);
  Step read_number();
  Step read_word();
  Step read_escape(std::string& out);
  void skip_blanks();

  std::string_view rest_;
  SchemaWriter& writer_;
  HashKey key_;
  std::vector<bool> objects_;  // open containers: whether each is an object
  std::string buffer_, key_text_;
  bool closed_ = false;  // a container was closed, or a plain value told: `,` or a closing bracket follows
};

}  // namespace specular
