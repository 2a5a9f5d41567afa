// Counter: a figure declared once, with its name and its meaning; the group is the list that coverage and metrics
// print.
//
// One writer, any number of readers: a group belongs to one thread, which alone adds; others may read at any time.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace specular {

class Counter;

class CounterGroup {
 public:
  CounterGroup() = default;
  CounterGroup(const CounterGroup&) = delete;
  CounterGroup& operator=(const CounterGroup&) = delete;

  const std::vector<const Counter*>& counters() const { return counters_; }

 private:
  friend class Counter;
  std::vector<const Counter*> counters_;
};

class Counter {
 public:
  // `name` and `help` are literals; the unit is the last word of the name (packets, bytes, flows, messages).
  Counter(CounterGroup& group, const char* name, const char* help) : name_(name), help_(help) {
    group.counters_.push_back(this);
  }
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  void add(std::uint64_t amount = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }
  const char* name() const { return name_; }
  const char* help() const { return help_; }

 private:
  const char* name_;
  const char* help_;
  std::atomic<std::uint64_t> value_ = 0;
};

}  // namespace specular
