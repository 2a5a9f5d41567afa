#include "analyzers/judge.h"

#include <charconv>

namespace specular {
namespace {

// Of a host that may have been relieved for the sake of another one.
void note_given_up(Inventory::Host& host) {
  std::uint64_t more = host.tree->ghosts_dropped() - host.given_up;
  if (more == 0) return;
  host.given_up += more;
  host.coverage[CoverageItem::given_up_paths] += more;
  host.coverage_dirty = true;
}

}  // namespace

Judge::Judge(const InventoryOptions& options, const HashKey& key, bool keeps_changes)
    : inventory_(options, key, keeps_changes), keeps_changes_(keeps_changes) {}

void Judge::on_endpoint(const ServedHost& served, const SegmentPath& path, const std::string& method,
                        const EndpointSummary& added) {
  Inventory::Host& host = inventory_.admit(served);
  PathTree::LeafRef ref = host.tree->find_or_add(method, path);
  note_given_up(host);
  PathTree::Leaf* leaf = host.tree->resolve(ref);
  if (leaf == nullptr) {
    host.coverage[CoverageItem::refused_requests] += added.requests;
    host.coverage_dirty = true;
    return;
  }
  leaf->summary.merge(added);
  leaf->requests_ever += added.requests;
  if (!added.shapes.empty()) {
    host.tree->charge_shapes(*leaf);
    inventory_.keep_schemas_within_bounds();
  }
  host.tree->touch(ref);
}

void Judge::on_values(const ServedHost& served, const SegmentPath& path, const DistinctCounter& added) {
  inventory_.admit(served).tree->merge_values(path, added);
}

void Judge::on_host(const ServedHost& served, const CoverageCounts& added) {
  Inventory::Host& host = inventory_.admit(served);
  host.coverage.merge(added);
  host.coverage_dirty = true;
}

void Judge::on_tunnel(const std::string& tunnel, const CoverageCounts& added) {
  Inventory::Coverage& coverage = inventory_.tunnels[tunnel];
  coverage.counts.merge(added);
  coverage.dirty = true;
}

void Judge::on_counter(const std::string& name, std::uint64_t added) {
  Inventory::Total& total = inventory_.totals[name];
  total.value += added;
  total.dirty = true;
}

void Judge::on_capture(const AnalysedCapture& capture) {
  inventory_.captures[capture.name] = {capture, true};
}

void Judge::forget_capture(const std::string& name) {
  bool known = inventory_.captures.erase(name) > 0;
  if (known && keeps_changes_) forgotten_captures_.push_back(name);
}

Result<void> Judge::correct(const Correction& correction) {
  auto added = inventory_.corrections.add(correction);
  if (added && keeps_changes_) changed_corrections_.insert(correction.id());
  return added;
}

bool Judge::take_back(const std::string& id) {
  bool known = inventory_.corrections.remove(id);
  if (known && keeps_changes_) changed_corrections_.insert(id);
  return known;
}

void Judge::take_corrections(Epoch& epoch) {
  for (const std::string& id : std::exchange(changed_corrections_, {})) {
    RowKey key{Table::correction, "", id, "", ""};
    const Correction* correction = inventory_.corrections.find(id);
    if (correction == nullptr) {
      epoch.removed.push_back(std::move(key));
    } else {
      epoch.put.push_back({std::move(key), encode(*correction)});
    }
  }
}

Epoch Judge::take_changes(EpochNumber number) {
  Epoch epoch;
  epoch.number = number;
  for (auto& entry : inventory_.hosts()) {
    const HostKey& key = entry.first;  // plain names: clang 14 has no lambdas that capture structured bindings
    Inventory::Host& host = entry.second;
    note_given_up(host);
    for (const auto& removed : host.tree->take_removed()) {
      Table table = removed.method.empty() ? Table::values : Table::endpoint;
      epoch.removed.push_back({table, key.network, key.host, to_text(removed.path), removed.method});
    }
    auto put = [&](Table table, PathTree::NodeIndex node, const std::string& method, std::string value) {
      RowKey row{table, key.network, key.host, to_text(host.tree->path_of(node)), method};
      epoch.put.push_back({std::move(row), std::move(value)});
    };
    host.tree->visit_dirty(
        [&](PathTree::Leaf& leaf) { put(Table::endpoint, leaf.node, leaf.method, encode(leaf.summary)); },
        [&](PathTree::Node& node, PathTree::NodeIndex index) { put(Table::values, index, "", encode(node.values)); });
    if (std::exchange(host.coverage_dirty, false)) {
      epoch.put.push_back({{Table::host, key.network, key.host, "", ""}, encode(host.coverage)});
    }
  }
  for (auto& [name, tunnel] : inventory_.tunnels) {
    if (std::exchange(tunnel.dirty, false))
      epoch.put.push_back({{Table::tunnel, "", name, "", ""}, encode(tunnel.counts)});
  }
  for (auto& [name, total] : inventory_.totals) {
    if (std::exchange(total.dirty, false))
      epoch.put.push_back({{Table::total, "", name, "", ""}, std::to_string(total.value)});
  }
  for (auto& name : std::exchange(forgotten_captures_, {})) {
    epoch.removed.push_back({Table::capture, "", std::move(name), "", ""});
  }
  for (auto& [name, capture] : inventory_.captures) {
    if (std::exchange(capture.dirty, false))
      epoch.put.push_back({{Table::capture, "", name, "", ""}, encode(capture.analysed)});
  }
  take_corrections(epoch);
  return epoch;
}

Result<void> Judge::restore(const Epoch& stored) {
  for (const Row& row : stored.put) {
    if (auto restored = restore_row(row); !restored) return restored;
  }
  return {};
}

Result<void> Judge::restore_row(const Row& row) {
  HostKey key{row.key.network, row.key.host};
  switch (row.key.table) {
    case Table::endpoint: {
      auto path = parse_path(row.key.path);
      auto summary = decode_summary(row.value);
      if (!path || !summary) return forward(path ? summary.error() : path.error());
      restore_endpoint(key, *path, row.key.method, *summary);
      return {};
    }
    case Table::values: {
      auto path = parse_path(row.key.path);
      auto values = decode_values(row.value);
      if (!path || !values) return forward(path ? values.error() : path.error());
      inventory_.restore(key).tree->restore_values(*path, *values);
      return {};
    }
    case Table::host:
    case Table::tunnel: {
      auto counts = decode_coverage(row.value);
      if (!counts) return forward(counts.error());
      if (row.key.table == Table::host) inventory_.restore(key).coverage = *counts;
      if (row.key.table == Table::tunnel) inventory_.tunnels[row.key.host].counts = *counts;
      return {};
    }
    case Table::total: {
      const char* end = row.value.data() + row.value.size();
      auto [rest, error] = std::from_chars(row.value.data(), end, inventory_.totals[row.key.host].value);
      if (error != std::errc() || rest != end) return fail(ErrorKind::corrupt, "a counter that is no number");
      return {};
    }
    case Table::capture: {
      auto capture = decode_capture(row.value);
      if (!capture) return forward(capture.error());
      capture->name = row.key.host;
      inventory_.captures[row.key.host] = {std::move(*capture), false};
      return {};
    }
    case Table::correction: return restore_correction(row);
  }
  return {};  // a table of a later version, whose rows are left alone
}

Result<void> Judge::restore_correction(const Row& row) {
  auto correction = decode_correction(row.value);
  if (!correction) return forward(correction.error());
  if (!*correction) return {};
  if ((*correction)->id() != row.key.host) return fail(ErrorKind::corrupt, "a correction that is not what it was");
  return inventory_.corrections.add(**correction);
}

void Judge::restore_endpoint(const HostKey& key, const SegmentPath& path, const std::string& method,
                             const EndpointSummary& summary) {
  const auto& servers = summary.servers.entries();
  Inventory::Host& host = inventory_.restore(key);
  if (!servers.empty()) inventory_.count_host(host, {key, servers.front().first});
  PathTree& tree = *host.tree;
  PathTree::LeafRef ref = tree.restore(method, path);
  PathTree::Leaf* leaf = tree.resolve(ref);
  if (leaf == nullptr) return;  // the ceiling was lowered
  leaf->summary = summary;
  leaf->requests_ever = summary.requests;
  tree.charge_shapes(*leaf);
  tree.restored(ref);
}

}  // namespace specular
