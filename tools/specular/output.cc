#include "tools/specular/output.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "capture/base/escape.h"

namespace specular {
namespace {

constexpr std::size_t kRowsForWidths = 500;
constexpr std::size_t kWidestCell = 60;
constexpr std::size_t kGap = 2;

// Columns on the terminal; 0 if output goes elsewhere.
std::size_t terminal_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

std::size_t display_width(std::string_view text) {
  auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins));
}

// The first `width` characters, the last of them an ellipsis if some are cut.
std::string shorten(const std::string& text, std::size_t width) {
  if (display_width(text) <= width || width == 0) return text;
  std::size_t end = 0;
  for (std::size_t shown = 0; shown + 1 < width; ++shown) {
    char32_t code = 0;
    end += std::max<std::size_t>(1, read_utf8(std::string_view(text).substr(end), code));
  }
  return text.substr(0, end) + "…";
}

std::string cell_text(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return escape_terminal(value.get_ref<const std::string&>());
  if (value.is_number_float()) return fmt::format("{:.3f}", value.get<double>());
  if (value.is_array() || value.is_object()) {
    std::string text;
    for (const auto& [key, item] : value.items()) {
      text += text.empty() ? "" : " ";
      text += value.is_object() ? escape_terminal(key) + ":" + cell_text(item) : cell_text(item);
    }
    return text.empty() ? "-" : text;
  }
  return to_text(value);
}

// Of the first failure: standard output is one for the whole process.
int output_errno = 0;

}  // namespace

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() && output_errno == 0) output_errno = errno;
}

Result<void> flush_output() {
  if (std::fflush(stdout) != 0 && output_errno == 0) output_errno = errno;
  if (output_errno == 0) return {};
  return fail(ErrorKind::io, fmt::format("standard output: {}", std::strerror(output_errno)));
}

Listing::Listing(Format format, std::vector<Column> columns) : format_(format), columns_(std::move(columns)) {}

std::vector<std::string> Listing::cells_of(const Json& row) const {
  std::vector<std::string> cells;
  for (const Column& column : columns_) cells.push_back(shorten(cell_text(row.at(column.key)), kWidestCell));
  return cells;
}

void Listing::add(const Json& row) {
  ++count_;
  switch (format_) {
    case Format::json: return print((count_ == 1 ? "[\n" : ",\n") + to_text(row));
    case Format::jsonl: return print(to_text(row) + "\n");
    case Format::table: break;
  }
  if (!widths_.empty()) return print_table_row(cells_of(row));
  early_.push_back(cells_of(row));
  if (early_.size() == kRowsForWidths) settle_widths();
}

void Listing::settle_widths() {
  std::vector<std::string> titles;
  for (const Column& column : columns_) {
    titles.push_back(column.title);
    widths_.push_back(display_width(column.title));
  }
  for (const auto& cells : early_) {
    for (std::size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], display_width(cells[i]));
  }
  // On a terminal that is too narrow, the widest column gives way first.
  std::size_t width = terminal_width(), total = kGap * (widths_.size() - 1);
  for (std::size_t column : widths_) total += column;
  for (; width > 0 && total > width; --total) {
    auto widest = std::max_element(widths_.begin(), widths_.end());
    if (*widest <= 8) break;
    --*widest;
  }
  print_table_row(titles);
  for (const auto& cells : early_) print_table_row(cells);
  early_.clear();
}

void Listing::print_table_row(const std::vector<std::string>& cells) const {
  bool narrow = terminal_width() > 0;
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::string cell = narrow ? shorten(cells[i], widths_[i]) : cells[i];
    std::string padding(widths_[i] - std::min(widths_[i], display_width(cell)), ' ');
    line += columns_[i].right ? padding + cell : cell + padding;
    line += std::string(kGap, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  print(line + "\n");
}

void Listing::finish() {
  if (format_ == Format::json) print(count_ == 0 ? "[]\n" : "\n]\n");
  if (format_ == Format::table && widths_.empty()) settle_widths();
}

}  // namespace specular
