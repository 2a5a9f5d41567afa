// Summaries with something in every field, for laws that hold for all of them.
#pragma once

#include <random>

#include "analyzers/coverage.h"
#include "analyzers/discovery/summary.h"

namespace specular::test {

using Random = std::mt19937_64;

// Few keys of each kind, so that no table is full even after some merges.
EndpointSummary random_summary(Random& random);
DistinctCounter random_values(Random& random, std::size_t count);
CoverageCounts random_coverage(Random& random);

}  // namespace specular::test
