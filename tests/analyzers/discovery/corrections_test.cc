#include "analyzers/discovery/corrections.h"

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "analyzers/discovery/host_groups.h"
#include "analyzers/epoch.h"
#include "tests/analyzers/discovery/trees.h"

namespace specular::test {
namespace {

using Kind = CorrectionKind;
const HostKey kHost{"", "api.example"};
constexpr const char* kUuid = "123e4567-e89b-12d3-a456-426614174000";

Correction correct(Kind kind, const std::string& path, const std::string& method = "", const HostKey& host = kHost) {
  auto made = make_correction(kind, host, path, method, kStart);
  REQUIRE_MESSAGE(made, path);
  return *made;
}

std::string refusal(Kind kind, const std::string& path, const std::string& method = "") {
  auto made = make_correction(kind, kHost, path, method, kStart);
  CAPTURE(path);
  REQUIRE_FALSE(made);
  CHECK(made.error().kind == ErrorKind::invalid);
  CHECK(made.error().text.find('\n') == std::string::npos);
  return made.error().text;
}

using Given = std::vector<std::pair<Kind, std::string>>;

RouteRules rules_of(const Given& given) {
  Corrections corrections;
  for (const auto& [kind, path] : given) REQUIRE(corrections.add(correct(kind, path)));
  return corrections.rules_of(kHost);
}

Lines paths_of(const PathTree& tree, const Given& given) {
  Lines lines;
  for (const Route& route : routes_of(tree, rules_of(given))) {
    lines.push_back(fmt::format("{} {} {}", route.method, route.path(), route.summary.requests));
  }
  return lines;
}

// A site where words stand beside each other that have nothing in common.
struct Words : Tree {
  Words() {
    add(Requests{{"GET", "/users/alice", 200, {"a"}},
                 {"GET", "/users/export", 200, {"b"}},
                 {"POST", "/users/export/csv", 201, {"c"}},
                 {"GET", "/users/me/settings", 200, {"d"}},
                 {"GET", "/health", 200, {"e"}}});
  }
};

}  // namespace

TEST_CASE("a pin makes a parameter of what has an endpoint of its form, and of nothing else") {
  Words words;
  CHECK(paths_of(words.tree, {}) == Lines{"GET /health 1", "GET /users/alice 1", "GET /users/export 1",
                                          "POST /users/export/csv 1", "GET /users/me/settings 1"});
  CHECK(paths_of(words.tree, {{Kind::pin, "/users/{login}"}}) ==
        Lines{"GET /health 1", "GET /users/me/settings 1", "GET /users/{login} 2", "POST /users/{login}/csv 1"});
  CHECK(paths_of(words.tree, {{Kind::pin, "/users/{login}/settings"}}) ==
        Lines{"GET /health 1", "GET /users/alice 1", "GET /users/export 1", "POST /users/export/csv 1",
              "GET /users/{login}/settings 1"});
  CHECK(paths_of(words.tree, {{Kind::pin, "/{top}"}}) == Lines{"GET /users/alice 1", "GET /users/export 1",
                                                               "POST /users/export/csv 1", "GET /users/me/settings 1",
                                                               "GET /{top} 1"});
}

TEST_CASE("a merge takes all siblings, whatever is below them, but for names that are written out") {
  Words words;
  CHECK(paths_of(words.tree, {{Kind::merge, "/users/{}"}}) ==
        Lines{"GET /health 1", "GET /users/{user} 2", "POST /users/{user}/csv 1", "GET /users/{user}/settings 1"});
  Given exceptions{{Kind::merge, "/users/{id}"}, {Kind::split, "/users/export"}, {Kind::pin, "/users/me/{part}"}};
  CHECK(paths_of(words.tree, exceptions) == Lines{"GET /health 1", "GET /users/export 1", "POST /users/export/csv 1",
                                                  "GET /users/me/{part} 1", "GET /users/{id} 1"});
}

TEST_CASE("a split keeps a name that the evidence takes for a value") {
  Tree tree;
  for (int i = 0; i < 40; ++i)
    tree.add({"GET", fmt::format("/tags/{}", std::string(3, static_cast<char>('a' + i % 26))), 200});
  tree.add({"GET", "/tags/xyz", 200});
  tree.add({"GET", fmt::format("/tags/{}", kUuid), 200});
  CHECK(paths_of(tree.tree, {}) == Lines{"GET /tags/{tag} 42"});
  CHECK(paths_of(tree.tree, {{Kind::split, "/tags/xyz"}}) == Lines{"GET /tags/xyz 1", "GET /tags/{tag} 41"});
  // Numbers that are kept beside each other too.
  Tree levels;
  for (int i = 1; i < 6; ++i) levels.add({"GET", fmt::format("/levels/{}", i), 200});
  CHECK(paths_of(levels.tree, {{Kind::split, "/levels/3"}}) == Lines{"GET /levels/3 1", "GET /levels/{levelId} 4"});
}

TEST_CASE("corrections behind parameters apply where there is one, and name it only if they are pins or merges") {
  Tree tree;
  tree.add({"GET", fmt::format("/users/{}/jobs/alpha", kUuid), 200});
  tree.add({"POST", fmt::format("/users/{}/jobs/beta/stop", kUuid)});
  CHECK(paths_of(tree.tree, {{Kind::merge, "/users/{login}/jobs/{job}"}}) ==
        Lines{"GET /users/{login}/jobs/{job} 1", "POST /users/{login}/jobs/{job}/stop 1"});
  CHECK(paths_of(tree.tree, {{Kind::merge, "/users/{}/jobs/{job}"}, {Kind::split, "/users/{x}/jobs/beta"}}) ==
        Lines{"POST /users/{userId}/jobs/beta/stop 1", "GET /users/{userId}/jobs/{job} 1"});
  CHECK(paths_of(tree.tree, {{Kind::merge, "/accounts/{}/jobs/{job}"}}) == paths_of(tree.tree, {}));
}

TEST_CASE("what stands behind a parameter tells it from others") {
  Tree tree;
  tree.add(
      Requests{{"GET", "/reports/june.json"}, {"GET", "/reports/july.json"}, {"GET", "/reports/summary", 200, {"x"}}});
  CHECK(paths_of(tree.tree, {{Kind::merge, "/reports/{month}.json"}}) ==
        Lines{"GET /reports/summary 1", "GET /reports/{month}.json 2"});
  CHECK(paths_of(tree.tree, {{Kind::merge, "/reports/{all}"}, {Kind::merge, "/reports/{month}.json"}}) ==
        Lines{"GET /reports/{all} 1", "GET /reports/{month}.json 2"});
}

TEST_CASE("names that a user gives go before those that are made up") {
  Tree tree;
  tree.add({"GET", fmt::format("/users/{}/x/{}", kUuid, kUuid), 200});
  CHECK(paths_of(tree.tree, {{Kind::pin, "/users/{}/x/{userId}"}}) == Lines{"GET /users/{userId2}/x/{userId} 1"});
}

TEST_CASE("evidence says what the user said") {
  Words words;
  auto routes = routes_of(words.tree, rules_of({{Kind::pin, "/users/{login}"}, {Kind::split, "/health"}}));
  std::string pin = correct(Kind::pin, "/users/{login}").id(), split = correct(Kind::split, "/health").id();
  for (const Route& route : routes) {
    if (route.path() == "/health") CHECK((route.segments[0].correction == split && route.stated));
    if (route.path() != "/users/{login}") continue;
    CHECK(route.stated);
    CHECK(route.segments[1].correction == pin);
    CHECK(route.segments[1].evidence.why().starts_with("pinned by the user; 2 distinct in 3 visits"));
  }
  routes = routes_of(words.tree, rules_of({{Kind::merge, "/users/{login}"}}));
  CHECK(routes[1].segments[1].evidence.why().starts_with("merged by the user; "));
  CHECK_FALSE(routes[1].stated);
}

TEST_CASE("with corrections too the routes depend neither on the order of requests nor on that of corrections") {
  Random random(7);
  Given given{{Kind::pin, "/shops/{shop}"},         {Kind::merge, "/users/{}"},        {Kind::split, "/shops/orders"},
              {Kind::pin, "/{}/{second}/items"},    {Kind::merge, "/tags/{tag}"},      {Kind::split, "/tags/aq"},
              {Kind::pin, "/orders/{number}.json"}, {Kind::split, "/users/{x}/search"}};
  for (int round = 0; round < 12; ++round) {
    Requests requests = random_traffic(random, {.requests = 200, .suffixes = true, .slugs = 60, .words = 60});
    Tree whole, judge;
    whole.add(requests);
    Lines expected;
    for (const Route& route : routes_of(whole.tree, rules_of(given))) {
      expected.push_back(fmt::format("{} {} {} {}", route.method, route.path(), route.summary.requests, route.stated));
    }
    std::shuffle(requests.begin(), requests.end(), random);
    std::shuffle(given.begin(), given.end(), random);
    for (std::size_t part = 0; part < 3; ++part) {
      Tree shard;
      for (std::size_t i = part; i < requests.size(); i += 3) shard.add(requests[i]);
      shard.tell(judge);
    }
    Lines found;
    for (const Route& route : routes_of(judge.tree, rules_of(given))) {
      found.push_back(fmt::format("{} {} {} {}", route.method, route.path(), route.summary.requests, route.stated));
    }
    CHECK(found == expected);
  }
}

TEST_CASE("corrections that say nothing, or nothing that can be kept, are refused") {
  CHECK(refusal(Kind::pin, "/users").find("braces") != std::string::npos);
  CHECK(refusal(Kind::merge, "/users").find("braces") != std::string::npos);
  CHECK(refusal(Kind::merge, "/{id}/users").find("braces") != std::string::npos);
  CHECK(refusal(Kind::split, "/users/{id}").find("split") != std::string::npos);
  CHECK(refusal(Kind::split, "/").find("split") != std::string::npos);
  CHECK(refusal(Kind::split, fmt::format("/users/{}", kUuid)).find("uuid") != std::string::npos);
  CHECK(refusal(Kind::split, "/users/a@b.example").find("email") != std::string::npos);
  CHECK(refusal(Kind::pin, "/users/1234567/{x}").find("integer") != std::string::npos);
  CHECK(refusal(Kind::ignore, "/x", "G ET").find("method") != std::string::npos);
  CHECK(refusal(Kind::split, "/x", "GET").find("method") != std::string::npos);
  for (const char* path : {"", "users", "/users?x=1", "/users#x", "/a/../b", "/.", "/{a", "/a}", "/x{a}", "/{a}b{c}",
                           "/{a}{b}", "/{a b}", "/{\xff}", "/{a}/{a}", "/{a}.", "/{a}x", "/{a}.j/son/{b}-x"}) {
    CHECK_FALSE(make_correction(Kind::ignore, kHost, path, "", kStart));
  }
  CHECK_FALSE(make_correction(Kind::ignore, kHost, "/" + std::string(5000, 'a'), "", kStart));
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "/a";
  CHECK_FALSE(make_correction(Kind::ignore, kHost, deep, "", kStart));
}

TEST_CASE("paths come out in the spelling of the tree") {
  CHECK(to_text(correct(Kind::split, "/a//b%7ec/\xc3\xa9/").path) == "/a/b~c/%C3%A9");
  CHECK(to_text(correct(Kind::ignore, "/").path) == "/");
  CHECK(to_text(correct(Kind::pin, "/a/{x}:stop").path) == "/a/{x}:stop");
}

TEST_CASE("one says of the same has one id, and takes the place of what was said before") {
  Corrections corrections;
  REQUIRE(corrections.add(correct(Kind::pin, "/a/{x}")));
  REQUIRE(corrections.add(correct(Kind::pin, "/a/{y}")));
  REQUIRE(corrections.all().size() == 1);
  CHECK(to_text(corrections.all().begin()->second.path) == "/a/{y}");
  CHECK(correct(Kind::pin, "/a/{x}").id() != correct(Kind::merge, "/a/{x}").id());
  CHECK(correct(Kind::ignore, "/a").id() != correct(Kind::ignore, "/a", "GET").id());
  CHECK(correct(Kind::pin, "/a/{x}").id() != correct(Kind::pin, "/a/{x}", "", {"n", "api.example"}).id());
  CHECK(correct(Kind::pin, "/a/{x}").id().size() == 12);
}

TEST_CASE("two names for one parameter are a contradiction, and change nothing") {
  Corrections corrections;
  REQUIRE(corrections.add(correct(Kind::pin, "/a/{x}/b/{z}")));
  auto refused = corrections.add(correct(Kind::merge, "/a/{y}"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text.find(correct(Kind::pin, "/a/{x}/b/{z}").id()) != std::string::npos);
  CHECK(corrections.all().size() == 1);
  CHECK(corrections.add(correct(Kind::merge, "/a/{x}")));
  CHECK(corrections.add(correct(Kind::merge, "/a/{}")));
  CHECK(corrections.add(correct(Kind::pin, "/a/{y}.json")));
  CHECK(corrections.add(correct(Kind::split, "/a/{y}/c")));
  CHECK(corrections.add(correct(Kind::merge, "/a/{y}", "", {"", "other.example"})));
}

TEST_CASE("there are only so many, and each can be taken back") {
  Corrections corrections;
  for (std::size_t i = 0; i < Corrections::kMost; ++i) {
    REQUIRE(corrections.add(correct(Kind::pin, fmt::format("/p{:x}x/{{id}}/c", i))));
  }
  Correction more = correct(Kind::ignore, "/more");
  CHECK_FALSE(corrections.add(more));
  CHECK(corrections.add(correct(Kind::pin, "/p0x/{name}/c")));  // in the place of another one
  Tree tree;
  tree.add({"GET", "/p7x/alice/c", 200});
  CHECK(routes_of(tree.tree, corrections.rules_of(kHost))[0].path() == "/p7x/{id}/c");
  REQUIRE(corrections.remove(correct(Kind::pin, "/p7x/{id}/c").id()));
  CHECK_FALSE(corrections.remove(correct(Kind::pin, "/p7x/{id}/c").id()));
  CHECK(routes_of(tree.tree, corrections.rules_of(kHost))[0].path() == "/p7x/alice/c");
  CHECK(corrections.add(more));
}

TEST_CASE("an ignored path is that of the template, with one method or with all") {
  Words words;
  Corrections corrections;
  auto routes = routes_of(words.tree, rules_of({{Kind::pin, "/users/{login}"}}));
  auto ignored = [&] {
    Lines paths;
    for (const Route& route : routes) {
      if (corrections.ignoring(kHost, route) != nullptr) paths.push_back(route.method + " " + route.path());
    }
    return paths;
  };
  REQUIRE(corrections.add(correct(Kind::ignore, "/users/{any}")));
  CHECK(ignored() == Lines{"GET /users/{login}"});
  REQUIRE(corrections.add(correct(Kind::ignore, "/users/{}/csv", "GET")));
  CHECK(ignored() == Lines{"GET /users/{login}"});
  REQUIRE(corrections.add(correct(Kind::ignore, "/users/{}/csv", "POST")));
  CHECK(ignored() == Lines{"GET /users/{login}", "POST /users/{login}/csv"});
  REQUIRE(corrections.remove(correct(Kind::ignore, "/users/{}").id()));
  CHECK(ignored() == Lines{"POST /users/{login}/csv"});
}

TEST_CASE("patterns of hosts: one label for each asterisk, at the beginning alone") {
  CHECK(matches_host("*.a.example", "x.a.example"));
  CHECK_FALSE(matches_host("*.a.example", "a.example"));
  CHECK_FALSE(matches_host("*.a.example", "x.y.a.example"));
  CHECK_FALSE(matches_host("*.a.example", ".a.example"));
  CHECK_FALSE(matches_host("*.a.example", "x.a.example:8443"));
  CHECK_FALSE(matches_host("a.example", "a.example"));
  CHECK(matches_host("*.*.a.example:8443", "x.y.a.example:8443"));
  CHECK(*parse_host_pattern("*.Tenant.EXAMPLE:80") == "*.tenant.example");
  CHECK(*parse_host_pattern("*.*.x:81") == "*.*.x:81");
  for (const char* wrong : {"", "*", "*.", "a.example", "*.*.", "a.*.example", "*a.example", "*..example", "*.:80",
                            "*.a\xff.example", "*.a b", "*.[::1]", "*.a::b", "**.example"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_host_pattern(wrong));
  }
  CHECK_FALSE(parse_host_pattern("*." + std::string(300, 'a')));
}

TEST_CASE("the group with the fewest asterisks has a host") {
  Corrections corrections;
  auto group_of = [&](const char* host, const char* network) -> std::string {
    const Correction* group = corrections.group_of({network, host});
    return group == nullptr ? "" : group->host.host;
  };
  for (const char* pattern : {"*.*.example", "*.b.example"}) {
    REQUIRE(corrections.add(correct(Kind::group, "", "", {"n", pattern})));
  }
  CHECK(group_of("a.b.example", "n") == "*.b.example");
  CHECK(group_of("a.c.example", "n") == "*.*.example");
  CHECK(group_of("b.example", "n").empty());
  CHECK(group_of("a.b.example", "").empty());
  REQUIRE(corrections.remove(correct(Kind::group, "", "", {"n", "*.b.example"}).id()));
  CHECK(group_of("a.b.example", "n") == "*.*.example");
}

TEST_CASE("hosts of a group are one, and themselves again afterwards, with the same counts") {
  Site site(true);
  for (int i = 0; i < 12; ++i) {
    std::string host = fmt::format("t{}.tenant.example", i);
    site.get({fmt::format("/users/{}", 10'000'000 + i), fmt::format("/levels/{}", i), "/me"},
             {.host = host, .body = fmt::format("{{\"a{}\":1}}", i)});
  }
  site.get({"/me"}, {.host = "tenant.example"});
  Lines facts = facts_of(site.known()), before = site.endpoints();
  Correction group = correct(Kind::group, "", "", {"", "*.tenant.example"});
  REQUIRE(site.judge().correct(group));
  CHECK(site.endpoints() == Lines{"api GET *.tenant.example /levels/{levelId}", "api GET *.tenant.example /me",
                                  "api GET *.tenant.example /users/{userId}", "api GET tenant.example /me"});
  for (const Endpoint& endpoint : site.all_endpoints()) {
    bool grouped = endpoint.host.host == "*.tenant.example";
    CHECK(endpoint.route.summary.requests == (grouped ? 12 : 1));
    CHECK(endpoint.member == (grouped ? "t0.tenant.example" : ""));
    if (grouped && endpoint.route.segments.size() == 2) CHECK(endpoint.route.segments[1].evidence.distinct == 12);
  }
  // What is said of the group holds for it alone.
  REQUIRE(site.judge().correct(correct(Kind::split, "/levels/3", "", group.host)));
  CHECK(facts_of(site.known()) == facts);
  REQUIRE(site.judge().take_back(group.id()));
  CHECK(site.endpoints() == before);
  CHECK(facts_of(site.known()) == facts);
}

TEST_CASE("rows of corrections come back as they were") {
  for (const Correction& given : {correct(Kind::pin, "/a/{x}/b/{}.json", "", {"n", "h"}),
                                  correct(Kind::ignore, "/", "GET"), correct(Kind::ignore, "/%FF/b"),
                                  correct(Kind::group, "", "", {"n", "*.example"}), correct(Kind::split, "/a")}) {
    auto read = decode_correction(encode(given));
    REQUIRE(read);
    REQUIRE(*read);
    CHECK((*read)->id() == given.id());
    CHECK((*read)->kind == given.kind);
    CHECK((*read)->host == given.host);
    CHECK((*read)->path == given.path);
    CHECK((*read)->method == given.method);
    CHECK((*read)->created == given.created);
  }
  CHECK_FALSE(decode_correction("\x0a\xff"));
}

TEST_CASE("the judge tells which corrections changed, once, and takes them in again") {
  Site site(true);
  site.get({"/users/alice", "/users/bob/x"});
  Rows rows;
  (void)site.known();
  rows.apply(site.judge().take_changes(1));
  Correction pin = correct(Kind::pin, "/users/{login}"), ignore = correct(Kind::ignore, "/users/bob/x");
  REQUIRE(site.judge().correct(pin));
  REQUIRE(site.judge().correct(ignore));
  Epoch epoch = site.judge().take_changes(2);
  CHECK(epoch.put.size() == 2);
  rows.apply(epoch);
  CHECK(rows.keys(Table::correction).size() == 2);
  CHECK(site.judge().take_changes(3).put.empty());
  Site again(true);
  REQUIRE(again.judge().restore(rows.all()));
  CHECK(endpoints_of(again.judge().inventory()).size() == 1);
  REQUIRE(again.judge().take_back(ignore.id()));
  REQUIRE(again.judge().correct(ignore));
  REQUIRE(again.judge().take_back(ignore.id()));
  rows.apply(again.judge().take_changes(4));
  CHECK(rows.keys(Table::correction).size() == 1);
  CHECK(endpoints_of(again.judge().inventory()).size() == 2);
}

}  // namespace specular::test
