#include "analyzers/discovery/operations.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/analyzers/random_summary.h"
#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

Operation called(const std::string& name, OperationKind kind = OperationKind::graphql_query) {
  return {kind, OperationTable::hash_of(HashKey{}, kind, name), name, 1, kStart, kStart, {{200, 1}}, 0};
}

}  // namespace

TEST_CASE("an operation is known by kind and name, and errors of it are counted whenever they came") {
  OperationTable table;
  table.add_errors(called("user").hash, 2);
  table.add(called("user"));
  table.add(called("user"));
  table.add(called("user", OperationKind::graphql_mutation));
  table.add_errors(called("no such field").hash, 5);
  REQUIRE(table.operations().size() == 2);
  CHECK(table.operations()[0].count == 2);
  CHECK(table.errors_of(table.operations()[0]) == 2);
  CHECK(table.errors_of(table.operations()[1]) == 0);
  CHECK(table.failed() == 7);
}

TEST_CASE("more names than there is room for leave the same ones, in whatever order and parts they come") {
  Random random(7);
  std::vector<int> numbers;
  for (int i = 0; i < 700; ++i) numbers.push_back(i % 350);
  OperationTable first;
  for (int round = 0; round < 20; ++round) {
    std::shuffle(numbers.begin(), numbers.end(), random);
    OperationTable whole, left, right;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      Operation operation = called("n" + std::to_string(numbers[i]));
      for (OperationTable* table : {&whole, i % 3 == 0 ? &left : &right}) {
        table->add(operation);
        table->add(called("other", OperationKind::json_rpc_method));
        table->add_errors(operation.hash, 1);
      }
    }
    left.merge(right);
    REQUIRE((left == whole));
    if (round == 0) first = whole;
    REQUIRE((whole == first));
  }
  // A kind that is full leaves the others alone.
  CHECK(first.operations().size() == OperationTable::kLimit + 1);
  CHECK(first.operations().back().count == 700);
  CHECK(first.operations().front().count == 2);
  CHECK(first.errors().size() == OperationTable::kErrorLimit);
  CHECK(first.failed() == 700);
}

}  // namespace specular::test
