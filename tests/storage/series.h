// A series of epochs that is known beforehand, so that what a store holds tells how many of them it has.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "analyzers/epoch.h"

namespace specular::test {

class Series {
 public:
  // `bytes`: of the values of an epoch, about; they do not compress.
  explicit Series(std::size_t bytes = 30'000) : bytes_(bytes) {}

  // Endpoints, values, coverage, a total and a capture are put, some of them again and again, and some removed.
  Epoch epoch(std::size_t number) const;  // from 1
  // How many epochs the rows hold: exactly what the first so many leave. -1 if it is none of these states.
  int length_of(const Epoch& rows) const;

 private:
  std::size_t bytes_;
};

}  // namespace specular::test
