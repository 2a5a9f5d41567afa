#include "tools/specular/inventory_view.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "capture/base/escape.h"

namespace specular {
namespace {

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "0 %";
  double share = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  return part > 0 && share < 0.1 ? "under 0.1 %" : fmt::format("{:.1f} %", share);
}

void print_details(const Json& details, const std::string& indent) {
  for (const auto& [key, value] : details.items()) {
    bool nested = value.is_object() || (value.is_array() && !value.empty() && value[0].is_object());
    if (!nested) {
      std::string text = value.is_string() ? value.get<std::string>() : to_text(value);
      bool none = value.is_null() || text == "[]";
      print(fmt::format("{}{}: {}\n", indent, escape_terminal(key), none ? "-" : escape_terminal(text)));
      continue;
    }
    print(fmt::format("{}{}:{}\n", indent, escape_terminal(key), value.empty() ? " -" : ""));
    if (value.is_object()) print_details(value, indent + "  ");
    if (value.is_array()) {
      for (const auto& item : value) {
        print_details(item, indent + "  ");
        print("\n");
      }
    }
  }
}

}  // namespace

void add_filter(CLI::App& command, EndpointFilter& filter) {
  command.add_flag("--all", filter.all, "Also static files, web pages and preflights");
  command.add_option("--host", filter.host, "Only this host");
}

void list_endpoints(const std::vector<Json>& rows, Format format) {
  std::vector<Column> columns{{"METHOD", "method"},
                              {"HOST", "host"},
                              {"PATH", "path"},
                              {"KIND", "kind"},
                              {"REQUESTS", "requests", true},
                              {"CLIENTS", "clients", true},
                              {"STATUSES", "statuses"},
                              {"AUTH", "auth"}};
  bool networks = std::any_of(rows.begin(), rows.end(), [](const Json& row) { return !row.at("network").is_null(); });
  if (networks) columns.insert(columns.begin(), {"NETWORK", "network"});
  Listing listing(format, columns);
  for (const Json& row : rows) listing.add(row);
  listing.finish();
}

void show_endpoints(const std::vector<Json>& rows, Format format) {
  for (const Json& row : rows) {
    if (format == Format::table) print_details(row, "");
    if (format == Format::jsonl) print(to_text(row) + "\n");
  }
  if (format == Format::json) print(to_text(rows.size() == 1 ? rows[0] : Json(rows), 2) + "\n");
}

void list_coverage(const std::vector<Json>& rows, Format format) {
  Listing listing(format, {{"SCOPE", "scope"},
                           {"TUNNEL", "tunnel"},
                           {"HOST", "host"},
                           {"PACKETS", "packets", true},
                           {"SHED", "shed_packets", true},
                           {"CONNECTIONS", "connections", true},
                           {"ENCRYPTED", "encrypted_connections", true},
                           {"ONE-SIDED", "one_sided_connections", true},
                           {"TRANSACTIONS", "transactions", true},
                           {"COMPLETE", "complete", true},
                           {"LOST BYTES", "lost_bytes", true},
                           {"CLIPPED BYTES", "clipped_bytes", true}});
  for (const Json& row : rows) listing.add(row);
  listing.finish();
}

std::string summary_text(const Inventory& inventory, const std::vector<Endpoint>& endpoints, bool all,
                         std::size_t ignored) {
  std::size_t apis = 0;
  std::set<HostKey> hosts;
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.kind != EndpointKind::api) continue;
    ++apis;
    hosts.insert(endpoint.host);
  }
  CoverageCounts seen = total_coverage(inventory);
  std::string text = fmt::format("{} API endpoint{} on {} host{}, from {} transactions in {} connections\n", apis,
                                 apis == 1 ? "" : "s", hosts.size(), hosts.size() == 1 ? "" : "s",
                                 seen[CoverageItem::transactions], seen[CoverageItem::connections]);
  if (std::size_t others = endpoints.size() - apis; others > 0) {
    const char* hint = all ? "" : " (--all lists them)";
    text += fmt::format("{} more are static files, web pages or preflights{}\n", others, hint);
  }
  if (ignored > 0) {
    text += fmt::format("{} more {} ignored (specular routes lists what you corrected)\n", ignored,
                        ignored == 1 ? "is" : "are");
  }
  std::uint64_t connections = seen[CoverageItem::connections];
  if (std::uint64_t encrypted = seen[CoverageItem::encrypted_connections] + seen[CoverageItem::http2_connections];
      encrypted > 0 && seen[CoverageItem::transactions] > 0) {
    text += fmt::format("not read: {} of the connections are encrypted or HTTP/2\n", percent(encrypted, connections));
  }
  std::uint64_t lost = seen[CoverageItem::lost_bytes] + seen[CoverageItem::clipped_bytes];
  if (lost > 0) {
    text += fmt::format("not seen: {} of the bytes were lost or cut off by the capture\n",
                        percent(lost, lost + seen[CoverageItem::payload_bytes]));
  }
  if (std::uint64_t one_sided = seen[CoverageItem::one_sided_connections]; one_sided > 0) {
    text += fmt::format("one direction only: {} of the connections\n", percent(one_sided, connections));
  }
  return text;
}

}  // namespace specular
