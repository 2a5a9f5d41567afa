// Schemas for tests: read from documents, and told as lines that can be compared.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "analyzers/discovery/schema.h"
#include "analyzers/inspect/body_shapes.h"
#include "tests/analyzers/site.h"

namespace specular::test {

void read(const std::string& type, const std::string& document, Schema& into, BodyState state = BodyState::whole);
Schema schema_of(const std::string& type, const std::vector<std::string>& documents);
Schema schema_of_json(const std::vector<std::string>& documents);

// Every node, one line each: "orders[].id integer:3 1..9". Parts of strings as formats.
Lines lines_of(const Schema& schema);
// All that a store would hold.
std::string bytes_of(const Schema& schema);

// A document such as APIs send; of few shapes, so that schemas of several overlap.
std::string random_document(std::mt19937_64& random);

}  // namespace specular::test
