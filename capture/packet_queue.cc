#include "capture/packet_queue.h"

#include <thread>

namespace specular {

PacketQueue::~PacketQueue() {
  if (open_ != nullptr) ring_.publish();
  while (ring_.front() != nullptr) ring_.release();
  reclaim();
}

void PacketQueue::on_packets(std::span<const Packet> packets) {
  for (const Packet& packet : packets) {
    bool full = open_ != nullptr && (open_->size == kBatch || open_->bytes.size() >= kBatchBytes);
    if (full) publish();
    if (open_ == nullptr && !begin(Event::none, 0)) {
      counters_.dropped.add();
      continue;
    }
    add(packet);
  }
}

// Takes an empty batch; false if there is none.
bool PacketQueue::begin(Event event, EpochNumber epoch) {
  open_ = ring_.fill();
  if (open_ == nullptr) return false;
  reclaim();
  open_->event = event;
  open_->epoch = epoch;
  open_->size = 0;
  open_->bytes.clear();
  return true;
}

void PacketQueue::add(const Packet& packet) {
  std::size_t index = open_->size++;
  Packet& added = open_->packets[index] = packet;
  bool is_kept =
      buffers_ != nullptr && packet.buffer != nullptr && !packet.payload.empty() && buffers_->keep(packet.buffer);
  if (is_kept) {
    open_->kept[open_->kept_size++] = packet.buffer;
    return;
  }
  added.buffer = nullptr;
  open_->at[index] = open_->bytes.size();
  open_->bytes.insert(open_->bytes.end(), packet.payload.begin(), packet.payload.end());
}

void PacketQueue::reclaim() {
  while (Batch* batch = ring_.released()) {
    if (batch->kept_size == 0) continue;
    buffers_->release(std::span(batch->kept).first(batch->kept_size));
    batch->kept_size = 0;
  }
}

void PacketQueue::publish() {
  reclaim();
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
  while (!begin(event, epoch)) std::this_thread::yield();
}

bool PacketQueue::take(PacketSink& sink) {
  bool any = false;
  for (Batch* batch; (batch = ring_.front()) != nullptr; ring_.release()) {
    any = true;
    if (batch->event == Event::epoch) sink.enter_epoch(batch->epoch);
    if (batch->event == Event::flush) sink.flush();
    for (std::size_t i = 0; i < batch->size; ++i) {
      Packet& packet = batch->packets[i];
      if (packet.buffer == nullptr) packet.payload = Bytes(batch->bytes).subspan(batch->at[i], packet.payload.size());
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
