#include "capture/base/pool.h"

#include <functional>
#include <memory>
#include <set>
#include <string>

#include <doctest/doctest.h>

namespace specular::test {

TEST_CASE("a pool gives every object a number of its own") {
  Pool<std::string, 4> pool;
  std::set<std::uint32_t> numbers;
  for (int i = 0; i < 100; ++i) numbers.insert(pool.add());
  CHECK(numbers.size() == 100);
  CHECK(pool.size() == 100);
  CHECK(*numbers.rbegin() < pool.end());
}

TEST_CASE("objects of a pool never move") {
  Pool<std::string, 4> pool;
  auto first = pool.add();
  pool[first] = "first";
  std::string* address = &pool[first];
  for (int i = 0; i < 1000; ++i) pool[pool.add()] = std::to_string(i);
  CHECK(&pool[first] == address);
  CHECK(pool[first] == "first");
  CHECK(pool[1000] == "999");
}

TEST_CASE("a freed number is used again, so that numbers stay small") {
  Pool<int, 4> pool;
  for (int i = 0; i < 10; ++i) pool.add();
  pool.erase(3);
  pool.erase(7);
  CHECK(pool.size() == 8);
  std::set<std::uint32_t> again{pool.add(), pool.add()};
  CHECK(again == std::set<std::uint32_t>{3, 7});
  CHECK(pool.end() == 10);
  CHECK(pool.size() == 10);
}

TEST_CASE("a freed object holds nothing, and comes back default-constructed") {
  int deleted = 0;
  auto count = [&deleted](const int*) { ++deleted; };
  Pool<std::unique_ptr<int, std::function<void(int*)>>, 4> pool;
  auto number = pool.add();
  CHECK(pool[number] == nullptr);
  int owned = 1;
  pool[number] = {&owned, count};
  CHECK(deleted == 0);
  pool.erase(number);
  CHECK(deleted == 1);
  CHECK(pool[pool.add()] == nullptr);
}

TEST_CASE("a paged vector can be indexed anywhere, and nothing in it moves") {
  Paged<int, 8> paged;
  paged[0] = 7;
  int* first = &paged[0];
  paged[1000] = 8;
  CHECK(&paged[0] == first);
  CHECK(paged[0] == 7);
  CHECK(paged[1000] == 8);
  CHECK(paged[999] == 0);
}

}  // namespace specular::test
