// Listings: an aligned table, one JSON array, or one JSON object a line; all escaped.
#pragma once

#include <string>
#include <vector>

#include "capture/base/result.h"
#include "daemon/rows.h"

namespace specular {

enum class Format : std::uint8_t { table, json, jsonl };

struct Column {
  std::string title;
  std::string key;     // of the row object
  bool right = false;  // aligned: numbers
};

// Writes to standard output; what goes wrong is told by flush_output().
void print(std::string_view text);
Result<void> flush_output();

// Prints rows as they come. A table takes its column widths from the first rows; later cells may stick out.
class Listing {
 public:
  Listing(Format format, std::vector<Column> columns);
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;

  // `row` has every key, null where there is nothing to say.
  void add(const Json& row);
  // Nothing is printed of an empty listing before this.
  void finish();

 private:
  void settle_widths();
  void print_table_row(const std::vector<std::string>& cells) const;
  std::vector<std::string> cells_of(const Json& row) const;

  Format format_;
  std::vector<Column> columns_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> early_;
  std::size_t count_ = 0;
};

}  // namespace specular
