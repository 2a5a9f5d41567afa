// Judge: all memory across flows. Merges what shards learned into the inventory, and says as an Epoch what that
// changed.
#pragma once

#include "analyzers/discovery/inventory.h"
#include "analyzers/epoch.h"
#include "analyzers/observer.h"
#include "capture/base/counter.h"

namespace specular {

class Judge final : public DeltaSink {
 public:
  // `keeps_changes`: take_changes() will be called. Requires: options outlive it.
  Judge(const InventoryOptions& options, const HashKey& key, bool keeps_changes);

  void on_endpoint(const ServedHost& host, const SegmentPath& path, const std::string& method,
                   const EndpointSummary& added) override;
  void on_values(const ServedHost& host, const SegmentPath& path, const DistinctCounter& added) override;
  void on_host(const ServedHost& host, const CoverageCounts& added) override;
  void on_tunnel(const std::string& tunnel, const CoverageCounts& added) override;
  // What a counter of capture has grown by.
  void on_counter(const std::string& name, std::uint64_t added);
  // A file of the drop folder was analysed, and all that it taught was told before. The row replaces that of the name.
  void on_capture(const AnalysedCapture& capture);
  // It need not be known any longer that the file was analysed.
  void forget_capture(const std::string& name);

  // What the user says, from now on; as Corrections::add() and remove().
  Result<void> correct(const Correction& correction);
  bool take_back(const std::string& id);

  const Inventory& inventory() const { return inventory_; }

  // All rows that changed since the last time.
  Epoch take_changes(EpochNumber number);
  // Takes rows back in, as a store has them. To be called before anything else is learned.
  Result<void> restore(const Epoch& stored);

 private:
  Result<void> restore_row(const Row& row);
  Result<void> restore_correction(const Row& row);
  void take_corrections(Epoch& epoch);
  void restore_endpoint(const HostKey& key, const SegmentPath& path, const std::string& method,
                        const EndpointSummary& summary);

  Inventory inventory_;
  bool keeps_changes_;
  // Since the last take_changes():
  std::vector<std::string> forgotten_captures_;
  std::set<std::string> changed_corrections_;  // ids, of those that were taken back too
};

}  // namespace specular
