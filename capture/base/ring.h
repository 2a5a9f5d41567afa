// Ring: a queue of a fixed size from one thread to one other, without locks.
//
// Slots are used again, never moved: the producer fills the one that fill() shows and publishes it, the consumer reads
// the one that front() shows and releases it. Each end may be used by one thread at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace specular {

template <class T>
class Ring {
 public:
  // Requires: size is a power of two.
  explicit Ring(std::size_t size) : slots_(std::make_unique<T[]>(size)), size_(size) {}
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Producer: the next slot, as its last use left it; null if all are taken. The same until publish().
  T* fill() {
    std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - known_head_ == size_) known_head_ = head_.load(std::memory_order_acquire);
    return tail - known_head_ == size_ ? nullptr : &slots_[tail & (size_ - 1)];
  }
  void publish() { tail_.store(tail_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

  // Producer: the slots that the consumer is done with, each once, oldest first; null if there are no more. For slots
  // that own what only the producer can free: it asks until there are none before it fills a slot.
  T* released() {
    if (reclaimed_ == known_head_) known_head_ = head_.load(std::memory_order_acquire);
    return reclaimed_ == known_head_ ? nullptr : &slots_[reclaimed_++ & (size_ - 1)];
  }

  // Consumer: the oldest slot that was published; null if there is none. The same until release().
  T* front() {
    std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == known_tail_) known_tail_ = tail_.load(std::memory_order_acquire);
    return head == known_tail_ ? nullptr : &slots_[head & (size_ - 1)];
  }
  void release() { head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

  std::size_t size() const { return size_; }
  // How many slots are published and not released; a moment's picture for any thread.
  std::size_t used() const {
    std::size_t head = head_.load(std::memory_order_acquire);
    return tail_.load(std::memory_order_acquire) - head;
  }

 private:
  static constexpr std::size_t kLine = 64;

  std::unique_ptr<T[]> slots_;
  std::size_t size_;
  alignas(kLine) std::atomic<std::size_t> head_ = 0;  // written by the consumer,
  std::size_t known_tail_ = 0;                        // with what it knows of the producer,
  alignas(kLine) std::atomic<std::size_t> tail_ = 0;  // and the other way round
  std::size_t known_head_ = 0, reclaimed_ = 0;
};

}  // namespace specular
