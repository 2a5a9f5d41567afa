// FrameFilter: lets through what lies in a span of time and matches a filter in libpcap's language.
#pragma once

#include <memory>
#include <string>

#include "capture/base/result.h"
#include "capture/link/source.h"

namespace specular {

class FrameFilter final : public FrameSink {
 public:
  // `since` is in, `until` out. An empty expression matches everything. Requires: `next` outlives it.
  static Result<std::unique_ptr<FrameFilter>> create(const std::string& expression, Timestamp since, Timestamp until,
                                                     FrameSink& next);
  ~FrameFilter();

  void on_frames(std::span<const Frame> frames) override;
  void flush() override { next_.flush(); }

 private:
  struct Programs;
  FrameFilter(Timestamp since, Timestamp until, FrameSink& next);
  bool passes(const Frame& frame);

  Timestamp since_, until_;
  FrameSink& next_;
  std::unique_ptr<Programs> programs_;
};

}  // namespace specular
