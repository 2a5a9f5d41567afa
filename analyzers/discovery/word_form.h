// WordForm: what a segment is written like, as far as that tells the names that people give to endpoints from values.
#pragma once

#include <cstdint>
#include <string_view>

#include "analyzers/discovery/segment.h"

namespace specular {

enum class WordForm : std::uint8_t {
  plain,      // orders, x509
  camel,      // listOrders, OrderList
  two_part,   // line-items, tax.rates
  many_part,  // how-to-brew-coffee
  digits,     // anna1987, SKU-12
  upper,      // DE, EUR, PATCH; en-GB
  random,     // GwVouUalFVllmzBd
  odd,        // VLYMgcOkLEDuisbt: it may be a name full of abbreviations
  file,       // report.pdf
  escaped,    // K%C3%B6ln
  marked,     // _search, $metadata
};
inline constexpr std::size_t kWordForms = 11;

const char* to_text(WordForm form);
// Large and small letters in an order that no name has, such as base64.
bool looks_random(std::string_view text);
// The same, with more doubt.
bool looks_odd(std::string_view text);

WordForm form_of(std::string_view segment, SegmentClass kind);

}  // namespace specular
