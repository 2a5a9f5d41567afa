// Live capture.
#pragma once

#include "capture/base/option.h"

namespace specular {

// Of the section `sources`.
struct LiveOptions : OptionGroup {
  ListOption<std::string> interfaces{*this,      "interfaces",      {},
                                     parse_text, "interface names", "Interfaces that mirrored traffic arrives at."};
  IntOption ring{*this,       "ring_mb", 64,
                 {1, 16'384}, "MiB",     "Memory for packets that wait to be read, per interface and shard."};
  IntOption snap_length{*this,         "snap_length", 262'144,
                        {64, 262'144}, "bytes",       "What is taken of each packet; the rest is told as clipped."};
  BoolOption promiscuous{*this, "promiscuous", true, "Take packets whose link address is another machine's, too."};
  TextOption filter{*this, "filter", "", any_text, "pcap-filter(7) language", "What the kernel lets through."};
  ChoiceOption spread{
      *this,
      "spread",
      "auto",
      {"auto", "fanout", "dispatch"},
      "How packets come to several shards. fanout: the kernel spreads them by inner addresses; dispatch: one thread "
      "reads, decodes and hands over, by inner addresses and ports; auto: fanout, or dispatch where that is refused."};
};

}  // namespace specular
