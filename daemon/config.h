// Config: every knob of the program, by section, and the reading of the YAML file that sets them.
//
// An unknown key, a wrong type, a value out of range: the file is refused, with its line and the nearest key.
#pragma once

#include <string>
#include <vector>

#include "analyzers/inspect/client_address.h"
#include "analyzers/observer.h"
#include "capture/base/option.h"
#include "capture/base/result.h"
#include "capture/receiver.h"

namespace specular {

struct GeneralOptions : OptionGroup {
  ChoiceOption inspect{
      *this,
      "inspect",
      "full",
      {"full", "budget"},
      "full: content codings of bodies are undone, to tell broken ones and bombs; budget: they are not."};
  IntOption shards{*this, "shards", 1, {1, 64}, "shards", "Parts that flows are spread over; the result is the same."};
};

struct Config {
  GeneralOptions general;
  CaptureOptions capture;
  ClientOptions clients;
  InventoryOptions inventory;

  struct Section {
    const char* name;  // empty: at the top level
    OptionGroup* group;
  };
  std::vector<Section> sections();

  // Keys of the file that have no effect in this version, with their lines: to be told.
  std::vector<std::string> without_effect;
};

Result<void> load_config(const std::string& path, Config& config);

}  // namespace specular
