#include "analyzers/inspect/text_format.h"

#include <doctest/doctest.h>

namespace specular::test {

TEST_CASE("formats are those that a validator of JSON Schema accepts") {
  struct Case {
    const char* text;
    TextFormat format;
  };
  for (auto [text, format] : {
           Case{"", TextFormat::empty},
           {"2026-03-01", TextFormat::date},
           {"2026-02-29", TextFormat::plain},
           {"2024-02-29", TextFormat::date},
           {"2026-13-01", TextFormat::plain},
           {"2026-03-01T10:00:00Z", TextFormat::date_time},
           {"2026-03-01T10:00:00.123456+02:00", TextFormat::date_time},
           {"2026-03-01T10:00:00", TextFormat::plain},
           {"2026-03-01T10:00:00.Z", TextFormat::plain},
           {"2026-03-01T25:00:00Z", TextFormat::plain},
           {"2026-03-01 10:00:00Z", TextFormat::plain},
           {"a1b2c3d4-0000-4000-8000-00000000000f", TextFormat::uuid},
           {"a1b2c3d4-0000-4000-8000-00000000000g", TextFormat::plain},
           {"ann@mail.example", TextFormat::email},
           {"ann@localhost", TextFormat::plain},
           {"ann..b@mail.example", TextFormat::plain},
           {"ann@mail.example.", TextFormat::plain},
           {"https://api.example/a?b=c#d", TextFormat::uri},
           {"https://api.example/a b", TextFormat::plain},
           {"/just/a/path", TextFormat::plain},
           {"10.0.0.1", TextFormat::ipv4},
           {"10.0.0.256", TextFormat::plain},
           {"10.0.0.01", TextFormat::plain},
           {"2001:db8::1", TextFormat::ipv6},
           {"dead:beef", TextFormat::plain},
           {"12", TextFormat::integer},
           {"-12", TextFormat::integer},
           {"007", TextFormat::plain},
           {"1234567890123456", TextFormat::plain},
           {"1.5", TextFormat::number},
           {"1.", TextFormat::plain},
           {"true", TextFormat::boolean},
           {"True", TextFormat::plain},
           {"-", TextFormat::plain},
       }) {
    CAPTURE(text);
    CHECK(to_text(format_of(text)) == doctest::String(to_text(format)));
  }
}

TEST_CASE("members of enumerations are words of no class of data") {
  for (const char* text : {"open", "NOT_FOUND", "in-progress", "en-US", "application/json", "v2"}) {
    CAPTURE(text);
    CHECK(may_be_member(text));
  }
  for (const char* text : {"", "two words", "12", "ann@mail.example", "a1b2c3d4-0000-4000-8000-00000000000f",
                           "10.0.0.1", "cus_NffrFeUfNV2Hib", "SKU-1234", "caf\xc3\xa9", "https://x.example/",
                           "averyveryverylongwordthatnobodycalledanything"}) {
    CAPTURE(text);
    CHECK(!may_be_member(text));
  }
}

TEST_CASE("names tell whether values are personal or secret") {
  for (const char* name : {"name", "firstName", "user_id", "PIN", "card_pin", "cardNumber", "emailAddress", "apiKey",
                           "latitude", "geoLat", "dateOfBirth"}) {
    CAPTURE(name);
    CHECK(is_sensitive_name(name));
  }
  for (const char* name : {"status", "shipping", "type", "plan", "level", "currency", "spin", "created_at", "page"}) {
    CAPTURE(name);
    CHECK(!is_sensitive_name(name));
  }
}

TEST_CASE("keys of maps are data, names of properties are none") {
  for (const char* key : {"42", "2026-03-01", "a1b2c3d4-0000-4000-8000-00000000000f", "x@y.example", "10.0.0.1",
                          "cus_NffrFeUfNV2Hib", "01ARZ3NDEKTSV4RRFFQ69G5FAV"}) {
    CAPTURE(key);
    CHECK(is_data_key(key));
  }
  for (const char* key :
       {"id", "BlkioDeviceWriteIOps", "created_at", "x-trace", "First name", "address2", "$ref", "@type"}) {
    CAPTURE(key);
    CHECK(!is_data_key(key));
  }
}

}  // namespace specular::test
