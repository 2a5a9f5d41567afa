// A folder in which captures appear.
#pragma once

#include "capture/base/option.h"

namespace specular {

// Of the section `sources`.
struct FolderOptions : OptionGroup {
  TextOption folder{*this, "folder", "", any_text, "a path", "Captures that appear here are analysed, each once."};
  IntOption settle{*this,       "settle_seconds", 5,
                   {0, 86'400}, "seconds",        "A capture is complete once it has not changed for so long."};
  ChoiceOption after{*this, "after", "keep", {"keep", "delete"}, "What becomes of a capture that was analysed."};
};

}  // namespace specular
