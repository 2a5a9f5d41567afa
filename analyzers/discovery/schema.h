// Schema: a summary of the documents that were seen at one place: of one endpoint, direction, status and media type.
// No value of a document is in it but members of closed enumerations and bounds of plain numbers (DESIGN, privacy).
//
// Merging is commutative and associative, and a document counts alike whatever shard saw it. Bounded: at most kMaxDepth
// levels; and where there are more than kMaxNodes nodes, so many levels as have no more (that number only ever sinks,
// so it depends on what there was and not on its order). Where all schemas take more memory than they may, the largest
// give up levels too (Inventory).
//
// How sure a claim is comes from how many different documents it rests on. What was never seen in n independent ones
// is in at most 3/n of all, with 95 % confidence: the rule of three (Hanley and Lippman-Hand, JAMA 249, 1983).
// kConfident is 60 documents: at most 5 % of those to come may be otherwise. The same document seen again is no
// evidence.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "analyzers/discovery/schema_node.h"
#include "capture/base/hash.h"

namespace specular {

// How many different documents there were, by their keyed hashes: exact up to kKept, then estimated from the least of
// them (Bar-Yossef et al., 2002), with 13 % standard error.
class DocumentSketch {
 public:
  static constexpr std::size_t kKept = 64;

  static std::uint64_t hash_of(const HashKey& key, Bytes document);
  void add(std::uint64_t hash);
  void merge(const DocumentSketch& other);
  std::uint64_t estimate() const;
  const std::vector<std::uint64_t>& least() const { return least_; }  // ascending

 private:
  std::vector<std::uint64_t> least_;
};

struct Schema {
  static constexpr std::uint8_t kMaxDepth = 16;
  static constexpr std::size_t kMaxNodes = 1024;
  static constexpr std::uint64_t kConfident = 60;

  std::uint64_t documents = 0;    // that the summary was drawn from
  std::uint64_t partial = 0;      // of them, those that were read only as far as they were seen
  std::uint64_t unreadable = 0;   // others, of which nothing could be read
  std::uint64_t passed_over = 0;  // others, not read since the place was known well
  std::uint64_t untyped = 0;      // of the documents, those that have nothing but text: forms, queries, XML
  DocumentSketch different;
  SchemaNode root;
  std::uint8_t depth = kMaxDepth;
  std::uint32_t objects = 0;  // of the writers at work: the number of the last one told; no part of the summary

  void merge(const Schema& other);
  // Keeps to kMaxNodes; to be called when nodes were added.
  void keep_within_bounds();
  // Gives up the deepest levels; false if there is nothing left but of which kind the documents are.
  bool give_up_level();
  std::size_t bytes() const;  // of memory

  // How many different documents speak for something that was seen so often.
  std::uint64_t evidence(std::uint64_t seen) const { return std::min(seen, different.estimate()); }
  // Whether each of its objects had that property, with confidence.
  bool requires_property(const SchemaNode& object, const SchemaNode& property) const;
  // Whether the texts are an enumeration: few members, each seen often, and none new with confidence.
  bool is_closed(const TextFacts& text) const;
  // Whether a bound is one that values reach again and again; the greatest of unbounded numbers is seen once.
  bool is_sharp(std::uint32_t at_bound, std::uint64_t seen) const;
};

// Where a document stood. `refused`: the body of a request that was not answered by success, which says what somebody
// tried; it must not blur what the endpoint takes.
struct ShapePlace {
  enum class Part : std::uint8_t { query, header, cookie, request, refused, response };

  Part part = Part::response;
  std::uint16_t status = 0;  // of responses
  std::string type;          // of bodies: the media type

  auto operator<=>(const ShapePlace&) const = default;
};
inline constexpr std::size_t kShapeParts = 6;

// The schemas of one endpoint. Past kLimit places the last ones in their order are left out, so that what is kept
// depends on what there was alone.
class ShapeTable {
 public:
  static constexpr std::size_t kLimit = 32;

  // The schema of a place, made if need be; null if there is no room. Valid until the next call.
  Schema* find(const ShapePlace& place);
  const Schema* find(const ShapePlace& place) const;
  void merge(const ShapeTable& other);
  void clear() { shapes_.clear(); }
  // Gives up levels of the largest schemas, and then schemas, until it takes no more than so many bytes.
  void shrink(std::size_t most);
  std::size_t bytes() const;  // of memory
  bool empty() const { return shapes_.empty(); }
  const std::vector<std::pair<ShapePlace, Schema>>& list() const { return shapes_; }  // ascending

 private:
  std::vector<std::pair<ShapePlace, Schema>> shapes_;
};

}  // namespace specular
