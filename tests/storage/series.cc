#include "tests/storage/series.h"

#include <charconv>
#include <random>

#include <fmt/format.h>

#include "tests/storage/helper.h"

namespace specular::test {
namespace {

constexpr const char* kLength = "epochs";

std::string noise(std::size_t number, std::size_t size) {
  std::mt19937 random(static_cast<std::uint32_t>(number));
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

}  // namespace

Epoch Series::epoch(std::size_t number) const {
  std::string text = std::to_string(number);
  Epoch epoch;
  epoch.number = static_cast<EpochNumber>(number);
  if (number % 3 == 0)
    epoch.removed.push_back(row(Table::endpoint, "new.example", fmt::format("/{}", number - 2), "").key);
  if (number % 5 == 0) epoch.removed.push_back(row(Table::capture, fmt::format("{}.pcap", number - 4), "", "").key);
  epoch.put = {row(Table::endpoint, "api.example", fmt::format("/{}", number % 7), text + noise(number, bytes_ / 2)),
               row(Table::endpoint, "new.example", "/" + text, text),
               row(Table::values, "api.example", "/{uuid}", text + noise(number + 1, bytes_ / 2)),
               row(Table::host, "api.example", "", text),
               row(Table::tunnel, "vxlan:7", "", text),
               row(Table::total, kLength, "", text),
               row(Table::capture, text + ".pcap", "", text)};
  return epoch;
}

int Series::length_of(const Epoch& rows) const {
  int length = 0;
  for (const Row& row : rows.put) {
    if (row.key.table == Table::total && row.key.host == kLength) length = std::stoi(row.value);
  }
  std::map<std::vector<std::string>, std::string> expected;
  auto key_of = [](const RowKey& key) {
    return std::vector{std::string(1, static_cast<char>(key.table)), key.network, key.host, key.path, key.method};
  };
  for (int number = 1; number <= length; ++number) {
    Epoch epoch = this->epoch(static_cast<std::size_t>(number));
    for (const RowKey& key : epoch.removed) expected.erase(key_of(key));
    for (const Row& row : epoch.put) expected[key_of(row.key)] = row.value;
  }
  std::map<std::vector<std::string>, std::string> found;
  for (const Row& row : rows.put) found[key_of(row.key)] = row.value;
  return found == expected && found.size() == rows.put.size() ? length : -1;
}

}  // namespace specular::test
