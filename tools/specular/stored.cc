#include "tools/specular/stored.h"

#include "storage/store.h"

namespace specular {

Result<std::unique_ptr<Judge>> read_store(const Invocation& invocation) {
  if (invocation.store.empty())
    return fail(ErrorKind::invalid, "--store DIR is missing: the folder that analyze was given");
  auto store = Store::open(invocation.store, Store::Mode::read);
  if (!store) return forward(store.error());
  auto stored = (*store)->read_all();
  if (!stored) return forward(stored.error());
  auto judge = std::make_unique<Judge>(invocation.config.inventory, (*store)->hash_key(), false);
  if (auto restored = judge->restore(*stored); !restored) return forward(restored.error());
  return judge;
}

}  // namespace specular
