// Pool: objects under small numbers, in pages that never move. A freed number is used again, the lowest pages first
// filled; a vector indexed by it is what the next stage keeps instead of a hash table.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace specular {

template <class T, std::size_t kPage = 1024>
class Pool {
 public:
  using Index = std::uint32_t;

  // A default-constructed (or left over, see erase) object.
  Index add() {
    ++size_;
    if (!free_.empty()) {
      Index index = free_.back();
      free_.pop_back();
      return index;
    }
    if (next_ == pages_.size() * kPage) pages_.push_back(std::make_unique<T[]>(kPage));
    return next_++;
  }

  // The object is assigned T{}, so that it holds nothing while free.
  void erase(Index index) {
    (*this)[index] = T{};
    free_.push_back(index);
    --size_;
  }

  T& operator[](Index index) { return pages_[index / kPage][index % kPage]; }
  const T& operator[](Index index) const { return pages_[index / kPage][index % kPage]; }

  std::size_t size() const { return size_; }
  Index end() const { return next_; }  // all numbers given out so far are below

 private:
  std::vector<std::unique_ptr<T[]>> pages_;
  std::vector<Index> free_;
  Index next_ = 0;
  std::size_t size_ = 0;
};

// Paged: a vector that grows by pages, so that nothing moves, and that can be indexed anywhere.
template <class T, std::size_t kPage = 1024>
class Paged {
 public:
  T& operator[](std::uint32_t index) {
    while (index / kPage >= pages_.size()) pages_.push_back(std::make_unique<T[]>(kPage));
    return pages_[index / kPage][index % kPage];
  }

 private:
  std::vector<std::unique_ptr<T[]>> pages_;
};

}  // namespace specular
