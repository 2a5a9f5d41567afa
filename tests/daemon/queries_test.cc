#include "daemon/queries.h"

#include <doctest/doctest.h>

#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

class Collected final : public AnswerSink {
 public:
  explicit Collected(const bool& reading) : reading_(reading) {}
  void on_row(Json row) override {
    CHECK_FALSE(reading_);
    rows.push_back(std::move(row));
  }
  void on_document(std::string text, const char* content_type) override {
    CHECK_FALSE(reading_);
    document = std::move(text);
    type = content_type;
  }

  std::vector<Json> rows;
  std::string document, type;

 private:
  const bool& reading_;
};

// Asks, and sees to it that nothing is told while the inventory is held.
class Asked {
 public:
  Asked(Site& site, const Query& query) : told_(reading_) {
    auto read = [&](const auto& reader) {
      reading_ = true;
      reader(site.known());
      reading_ = false;
    };
    result_ = answer_query(query, read, told_);
    if (!result_) CHECK((told_.rows.empty() && told_.document.empty()));
  }

  const std::vector<Json>& rows() const {
    REQUIRE(result_);
    return told_.rows;
  }
  // "GET api.example /users", of each row
  Lines names() const {
    Lines names;
    for (const Json& row : rows()) {
      names.push_back(row["method"].get<std::string>() + " " + row["host"].get<std::string>() + " " +
                      row["path"].get<std::string>());
    }
    return names;
  }
  const Collected& told() const {
    REQUIRE(result_);
    return told_;
  }
  QueryError::Kind kind() const {
    REQUIRE_FALSE(result_);
    return result_.error().kind;
  }
  const std::string& text() const { return result_.error().text; }

 private:
  bool reading_ = false;
  Collected told_;
  tl::expected<void, QueryError> result_;
};

void play_shop(Site& site) {
  site.get({"/users/1", "/users/2", "/users/3"});
  site.get({"/logo.png"}, {.type = "image/png"});
  site.get({"/items"}, {.host = "shop.example:8443"});
}

TEST_CASE("endpoints lists what is an API, of every host, in order") {
  Site site;
  play_shop(site);
  Asked asked(site, {"endpoints", {}});
  CHECK(asked.names() == Lines{"GET api.example /users/{userId}", "GET shop.example:8443 /items"});
  CHECK(asked.rows()[0]["requests"] == 3);
  CHECK(asked.rows()[0]["network"].is_null());
}

TEST_CASE("endpoints takes all and host, a host in any spelling") {
  Site site;
  play_shop(site);
  CHECK(Asked(site, {"endpoints", {{"all", "1"}}}).rows().size() == 3);
  CHECK(Asked(site, {"endpoints", {{"all", "0"}}}).rows().size() == 2);
  CHECK(Asked(site, {"endpoints", {{"host", "SHOP.example:8443"}}}).names() == Lines{"GET shop.example:8443 /items"});
  CHECK(Asked(site, {"endpoints", {{"host", "api.example:80"}}}).names() == Lines{"GET api.example /users/{userId}"});
  CHECK(Asked(site, {"endpoints", {{"host", "none.example"}}}).rows().empty());
}

TEST_CASE("show tells all of one endpoint, whatever its placeholders are called, with the host's coverage") {
  Site site;
  play_shop(site);
  Query query{"endpoints/show", {{"host", "api.example"}, {"method", "GET"}, {"path", "/users/{x}"}}};
  Asked asked(site, query);
  REQUIRE(asked.rows().size() == 1);
  const Json& row = asked.rows()[0];
  CHECK(row["path"] == "/users/{userId}");
  CHECK(row["path_parameters"][0]["distinct"] == 3);
  CHECK(row["host_coverage"]["transactions"] == 4);
  CHECK(row["host_coverage"]["packets"].is_null());
  CHECK(row["host_coverage"]["shed_packets"].is_null());
}

TEST_CASE("show says what it did not find") {
  Site site;
  play_shop(site);
  Asked asked(site, {"endpoints/show", {{"host", "api.example"}, {"method", "PUT"}, {"path", "/users/{x}"}}});
  CHECK(asked.kind() == QueryError::Kind::nothing);
  CHECK(asked.text() == "no endpoint PUT /users/{x} on api.example");
}

TEST_CASE("coverage tells the total, then tunnels, then hosts") {
  Site site;
  play_shop(site);
  Asked asked(site, {"coverage", {}});
  const auto& rows = asked.rows();
  REQUIRE(rows.size() == 4);
  CHECK(rows[0]["scope"] == "total");
  CHECK(rows[0]["transactions"] == 5);
  CHECK(rows[0]["counters"].is_object());
  CHECK(rows[1]["scope"] == "tunnel");
  CHECK(rows[1]["tunnel"].is_null());
  CHECK(rows[2]["host"] == "api.example");
  CHECK(rows[3]["host"] == "shop.example:8443");
  CHECK(rows[3]["transactions"] == 1);
}

TEST_CASE("openapi is one document: of the only host, or of the one that is named") {
  Site site;
  play_shop(site);
  Asked several(site, {"openapi", {}});
  CHECK(several.kind() == QueryError::Kind::several);
  CHECK(several.text() == "2 hosts do not fit into one document");

  Asked yaml(site, {"openapi", {{"host", "api.example"}}});
  CHECK(yaml.told().type == "application/yaml");
  CHECK(yaml.told().document.starts_with("openapi: "));
  Asked json(site, {"openapi", {{"host", "api.example"}, {"format", "json"}}});
  CHECK(json.told().type == "application/json");
  CHECK(Json::parse(json.told().document)["paths"].contains("/users/{userId}"));

  CHECK(Asked(site, {"openapi", {{"host", "none.example"}}}).text() == "the store holds no API of none.example");
  Site empty;
  CHECK(Asked(empty, {"openapi", {}}).kind() == QueryError::Kind::nothing);
}

TEST_CASE("openapi/documents has those of all hosts, each as the single one is told") {
  Site site;
  play_shop(site);
  Asked asked(site, {"openapi/documents", {{"format", "json"}}});
  REQUIRE(asked.rows().size() == 2);
  for (const Json& row : asked.rows()) {
    Query one{"openapi", {{"host", row["host"]}, {"format", "json"}}};
    CHECK(row["document"] == Asked(site, one).told().document);
  }
}

TEST_CASE("what is not understood is refused by name") {
  Site site;
  auto refused = [&](const Query& query, QueryError::Kind kind, const char* word) {
    Asked asked(site, query);
    CHECK(asked.kind() == kind);
    CHECK(asked.text().find(word) != std::string::npos);
  };
  refused({"", {}}, QueryError::Kind::unknown, "''");
  refused({"endpoints/", {}}, QueryError::Kind::unknown, "endpoints/");
  refused({"../endpoints", {}}, QueryError::Kind::unknown, "../endpoints");
  refused({"endpoints", {{"All", "1"}}}, QueryError::Kind::parameter, "All");
  refused({"endpoints", {{"all", "yes"}}}, QueryError::Kind::parameter, "yes");
  refused({"endpoints", {{"all", ""}}}, QueryError::Kind::parameter, "all");
  refused({"coverage", {{"host", "a"}}}, QueryError::Kind::parameter, "host");
  refused({"openapi", {{"format", "xml"}}}, QueryError::Kind::parameter, "xml");
  refused({"endpoints/show", {{"host", "a"}, {"method", "GET"}}}, QueryError::Kind::parameter, "path");
}

}  // namespace
}  // namespace specular::test
