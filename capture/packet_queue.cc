#include "capture/packet_queue.h"

#include <thread>

namespace specular {

void PacketQueue::on_packets(std::span<const Packet> packets) {
  for (const Packet& packet : packets) {
    bool full = open_ != nullptr && (open_->size == kBatch || open_->bytes.size() >= kBatchBytes);
    if (full) publish();
    if (open_ == nullptr) {
      open_ = ring_.fill();
      if (open_ == nullptr) {
        counters_.dropped.add();
        continue;
      }
      open_->event = Event::none;
      open_->size = 0;
      open_->bytes.clear();
    }
    std::size_t index = open_->size++;
    open_->packets[index] = packet;
    open_->at[index] = open_->bytes.size();
    open_->bytes.insert(open_->bytes.end(), packet.payload.begin(), packet.payload.end());
  }
}

void PacketQueue::publish() {
  if (open_ == nullptr) return;
  open_ = nullptr;
  ring_.publish();
  // Either this finds that the consumer sleeps, or the consumer, who says so before it looks a last time, finds the
  // batch.
  if (!sleeping_.exchange(false, std::memory_order_acq_rel)) return;
  std::lock_guard lock(mutex_);
  published_.notify_one();
}

void PacketQueue::enter_epoch(EpochNumber epoch) {
  tell(Event::epoch, epoch);
}

void PacketQueue::flush() {
  tell(Event::flush, 0);
}

// An event is never lost: time that does not go on is worse than a moment's wait.
void PacketQueue::tell(Event event, EpochNumber epoch) {
  publish();
  while ((open_ = ring_.fill()) == nullptr) std::this_thread::yield();
  open_->event = event;
  open_->epoch = epoch;
  open_->size = 0;
  open_->bytes.clear();
}

bool PacketQueue::take(PacketSink& sink) {
  bool any = false;
  for (Batch* batch; (batch = ring_.front()) != nullptr; ring_.release()) {
    any = true;
    if (batch->event == Event::epoch) sink.enter_epoch(batch->epoch);
    if (batch->event == Event::flush) sink.flush();
    for (std::size_t i = 0; i < batch->size; ++i) {
      Packet& packet = batch->packets[i];
      packet.payload = Bytes(batch->bytes).subspan(batch->at[i], packet.payload.size());
    }
    if (batch->size > 0) sink.on_packets(std::span(batch->packets).first(batch->size));
  }
  return any;
}

void PacketQueue::wait(Duration most) {
  std::unique_lock lock(mutex_);
  sleeping_.exchange(true, std::memory_order_acq_rel);
  if (ring_.front() == nullptr) published_.wait_for(lock, most);
  // A plain store would part what publish() did last from the next exchange here.
  sleeping_.exchange(false, std::memory_order_acq_rel);
}

}  // namespace specular
