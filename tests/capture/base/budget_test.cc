#include "capture/base/budget.h"

#include <limits>
#include <vector>

#include <doctest/doctest.h>

namespace specular::test {

TEST_CASE("a charge holds what it was granted and gives it back at the end of its life") {
  Budget budget(100);
  {
    Charge charge;
    CHECK(charge.size() == 0);
    REQUIRE(charge.resize(budget, 60));
    CHECK(charge.size() == 60);
    CHECK(budget.used() == 60);
  }
  CHECK(budget.used() == 0);
  CHECK(budget.limit() == 100);
}

TEST_CASE("a charge grows to exactly the limit, and no further") {
  Budget budget(100);
  Charge charge;
  CHECK(charge.resize(budget, 100));
  CHECK(!charge.resize(budget, 101));
  CHECK(charge.size() == 100);
  CHECK(budget.used() == 100);
}

TEST_CASE("a refused charge leaves everything as it was") {
  Budget budget(100);
  Charge first, second;
  REQUIRE(first.resize(budget, 80));
  REQUIRE(second.resize(budget, 20));
  CHECK(!second.resize(budget, 21));
  CHECK(second.size() == 20);
  CHECK(budget.used() == 100);
  Charge third;
  CHECK(!third.resize(budget, 1));
  CHECK(third.size() == 0);
}

TEST_CASE("a refusal is no matter of arithmetic that wraps") {
  Budget budget(100);
  Charge first, second;
  REQUIRE(first.resize(budget, 10));
  CHECK(!second.resize(budget, std::numeric_limits<std::size_t>::max()));
  CHECK(budget.used() == 10);
}

TEST_CASE("shrinking is always granted") {
  Budget budget(100);
  Charge first, second;
  REQUIRE(first.resize(budget, 70));
  REQUIRE(second.resize(budget, 30));
  CHECK(first.resize(budget, 10));
  CHECK(budget.used() == 40);
  CHECK(first.resize(budget, 0));
  CHECK(budget.used() == 30);
}

TEST_CASE("what is moved is charged once") {
  Budget budget(100);
  Charge first;
  REQUIRE(first.resize(budget, 40));
  Charge second(std::move(first));
  CHECK(budget.used() == 40);
  CHECK(second.size() == 40);
  std::vector<Charge> charges;
  charges.push_back(std::move(second));
  for (int i = 0; i < 10; ++i) charges.emplace_back();
  CHECK(budget.used() == 40);
  charges.erase(charges.begin());
  CHECK(budget.used() == 0);
}

TEST_CASE("assigning to a charge gives back what it held") {
  Budget budget(100);
  Charge charge;
  REQUIRE(charge.resize(budget, 40));
  charge = Charge();
  CHECK(budget.used() == 0);
  REQUIRE(charge.resize(budget, 10));
  {
    Charge other;
    REQUIRE(other.resize(budget, 20));
    charge = std::move(other);
  }
  CHECK(charge.size() == 20);
  CHECK(budget.used() == 20);
}

TEST_CASE("releasing twice gives back once") {
  Budget budget(100);
  Charge kept, charge;
  REQUIRE(kept.resize(budget, 5));
  REQUIRE(charge.resize(budget, 40));
  charge.release();
  charge.release();
  CHECK(budget.used() == 5);
  CHECK(charge.size() == 0);
  CHECK(charge.resize(budget, 95));
}

}  // namespace specular::test
