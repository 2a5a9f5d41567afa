// Budget and Charge: every byte that is kept because of the wire is charged to somebody, and given back by RAII.
//
// One Budget per shard and purpose; not thread-safe, as nothing of a shard is shared.
#pragma once

#include <cstddef>
#include <utility>

namespace specular {

class Budget {
 public:
  explicit Budget(std::size_t limit) : limit_(limit) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  std::size_t limit() const { return limit_; }
  std::size_t used() const { return used_; }

 private:
  friend class Charge;
  std::size_t limit_;
  std::size_t used_ = 0;
};

// Holds `size` bytes of a budget, or none if they were refused. The budget must outlive it.
class Charge {
 public:
  Charge() = default;
  Charge(Charge&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Charge& operator=(Charge&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Charge() { release(); }

  // Replaces what is held by `size` bytes; false (and unchanged) if the budget has not so many left.
  [[nodiscard]] bool resize(Budget& budget, std::size_t size) {
    if (size > size_ && size - size_ > budget.limit_ - budget.used_) return false;
    budget.used_ += size - size_;
    budget_ = &budget;
    size_ = size;
    return true;
  }

  void release() {
    if (budget_ != nullptr) budget_->used_ -= size_;
    budget_ = nullptr;
    size_ = 0;
  }

  std::size_t size() const { return size_; }

 private:
  Budget* budget_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace specular
