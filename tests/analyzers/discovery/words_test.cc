#include "analyzers/discovery/words.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "analyzers/discovery/parameter_name.h"
#include "analyzers/discovery/word_form.h"
#include "tests/analyzers/discovery/trees.h"

namespace specular::test {
namespace {

const Lines kSlugs = {"how-to-brew-coffee",  "ten-rules-of-tea", "milk-or-cream-2024", "a-cup-of-cocoa",
                      "water-for-beginners", "more-about-sugar", "the-art-of-foam",    "kettles-of-the-north"};
const Lines kArticle = {"title", "html", "author", "tags"};

// The same requests for each value in place of the asterisk.
Requests for_each(const Lines& values, const Requests& requests) {
  Requests all;
  for (const std::string& value : values) {
    for (Request request : requests) {
      request.path.replace(request.path.find('*'), 1, value);
      all.push_back(std::move(request));
    }
  }
  return all;
}

Lines paths_after(const std::vector<Requests>& requests) {
  Tree tree;
  for (const Requests& some : requests) tree.add(some);
  return route_paths(tree.tree);
}

Requests several(const Request& request, std::size_t times) {
  return Requests(times, request);
}

}  // namespace

TEST_CASE("slugs that are answered alike are values of one parameter") {
  CHECK(paths_after({for_each(kSlugs, {{"GET", "/articles/*", 200, kArticle}})}) == Lines{"GET /articles/{article}"});
}

TEST_CASE("names beside slugs stay names if they are answered otherwise") {
  Requests slugs = for_each(kSlugs, {{"GET", "/articles/*", 200, kArticle}});
  CHECK(paths_after({slugs, several({"GET", "/articles/feed", 200, {"version", "items", "language"}}, 5)}) ==
        Lines{"GET /articles/feed", "GET /articles/{article}"});
}

TEST_CASE("a name beside slugs stays a name if it can do what they cannot") {
  Requests slugs = for_each(kSlugs, {{"GET", "/articles/*", 200, kArticle}});
  Requests own = several({"GET", "/articles/draft", 200, kArticle}, 20);
  Requests put = several({"PUT", "/articles/draft", 200}, 20);
  CHECK(paths_after({slugs, own, put}) ==
        Lines{"GET /articles/draft", "PUT /articles/draft", "GET /articles/{article}"});
}

TEST_CASE("a parameter splits again when evidence turns") {
  Tree tree;
  tree.add(for_each(kSlugs, {{"GET", "/articles/*", 200, kArticle}}));
  tree.add(Request{"GET", "/articles/all-the-drafts", 200, kArticle});
  CHECK(route_paths(tree.tree) == Lines{"GET /articles/{article}"});
  tree.add(several({"POST", "/articles/all-the-drafts/publish", 204}, 20));
  tree.add(several({"GET", "/articles/all-the-drafts", 200, kArticle}, 40));
  Lines lines = routes_text(tree.tree);
  CHECK(std::count(lines.begin(), lines.end(), "GET /articles/all-the-drafts 41 requests 200:41") == 1);
  CHECK(std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
          return line.starts_with("GET /articles/{article} 8 requests 200:8");
        }) == 1);
}

TEST_CASE("resources that follow one convention are no values") {
  Requests requests;
  for (const char* name : {"accounts", "contacts", "leads", "meetings", "notes", "tasks"}) {
    Lines own = {std::string(name) + "Id", std::string(name) + "Name", std::string(name) + "State"};
    for (const char* method : {"GET", "POST"}) {
      for (const Request& r : several({method, std::string("/crm/") + name, 200, own}, 20)) requests.push_back(r);
    }
    for (const Request& r : several({"GET", std::string("/crm/") + name + "/count", 200, {"total"}}, 20)) {
      requests.push_back(r);
    }
  }
  Lines paths = paths_after({requests});
  CHECK(paths.size() == 18);
  CHECK(std::none_of(paths.begin(), paths.end(), [](const auto& p) { return p.find('{') != p.npos; }));
}

TEST_CASE("commands that all answer nothing are names") {
  Requests requests;
  for (const char* verb : {"start", "stop", "pause", "resume", "restart", "kill", "rename", "resize"}) {
    for (int id = 1; id < 20; ++id) {
      requests.push_back({"POST", "/jobs/" + std::to_string(1000000 + id) + "/" + verb, 204});
    }
  }
  CHECK(paths_after({requests}).size() == 8);
}

TEST_CASE("codes in capitals, and locales, are values where what is below them is the same") {
  Requests countries =
      for_each({"DE", "FR", "PL", "SE", "US"}, {{"GET", "/countries/*/rates", 200, {"vat", "reduced"}}});
  CHECK(paths_after({countries}) == Lines{"GET /countries/{country}/rates"});
  Requests locales = for_each({"de-DE", "en-GB", "fr-FR", "pl-PL"}, {{"GET", "/pages/*/home", 200, {"title", "body"}}});
  CHECK(paths_after({locales}) == Lines{"GET /pages/{page}/home"});
}

TEST_CASE("two parameters in a row are told from names behind one") {
  Requests requests;
  const Lines kRepositories = {"dot-files-of-mine", "a-small-parser", "game-of-life-3", "web-site-2024"};
  for (const std::string owner : {"anna-k-1987", "bob-the-builder", "carla22", "dave-of-york", "eve-99-x"}) {
    for (const std::string& name : kRepositories) {
      std::string path = "/repos/" + owner + "/" + name + owner.substr(0, 2);
      requests.push_back({"GET", path, 200, {"full_name", "stars", "branch"}});
      requests.push_back({"GET", path + "/issues", 200, {"number", "labels"}});
    }
  }
  CHECK(paths_after({requests}) == Lines{"GET /repos/{repo}/{name}", "GET /repos/{repo}/{name}/issues"});
}

TEST_CASE("a word beside numbers stays a name") {
  Requests numbers;
  for (int i = 0; i < 30; ++i) numbers.push_back({"GET", "/pets/" + std::to_string(5000000 + i), 200, {"name", "tag"}});
  Lines found = paths_after({numbers, several({"GET", "/pets/findByTag", 200, {"name", "tag"}}, 30)});
  REQUIRE(found.size() == 2);
  CHECK(found[0] == "GET /pets/findByTag");
  CHECK(found[1] == "GET /pets/{petId}");
}

TEST_CASE("a number that an API begins with, and that never changes, is a name") {
  Requests requests;
  for (const char* name : {"tweets", "users", "lists"}) {
    for (const Request& r : several({"GET", std::string("/labs/1/") + name, 200}, 20)) requests.push_back(r);
  }
  CHECK(paths_after({requests}) == Lines{"GET /labs/1/lists", "GET /labs/1/tweets", "GET /labs/1/users"});
}

TEST_CASE("the evidence says what values have in common") {
  Tree tree;
  tree.add(for_each(kSlugs, {{"GET", "/articles/*", 200, kArticle}}));
  std::string why = routes_of(tree.tree).at(0).segments.back().evidence.why();
  CHECK_MESSAGE(why.starts_with("8 distinct in 8 visits, 87.5 % word; alike in "), why);
  CHECK(why.find("in the names that they answer") != std::string::npos);
}

TEST_CASE("words have forms") {
  auto form = [](const char* text) { return form_of(text, SegmentClass::word); };
  for (const char* text : {"orders", "x", "oauth2", "step1"}) CHECK_MESSAGE(form(text) == WordForm::plain, text);
  for (const char* text : {"listOrders", "OrderList", "isItTimeToPayForIt", "getUrlOf"}) {
    CHECK_MESSAGE(form(text) == WordForm::camel, text);
  }
  for (const char* text : {"line-items", "tax_rates"}) CHECK_MESSAGE(form(text) == WordForm::two_part, text);
  for (const char* text : {"DE", "EUR", "PATCH", "en-GB", "pt_BR"}) CHECK_MESSAGE(form(text) == WordForm::upper, text);
  for (const char* text : {"GwVouUalFVllmzBd", "aNIVsTmLLOnFPxMq"}) CHECK_MESSAGE(form(text) == WordForm::random, text);
  for (const char* text : {"_search", "$metadata"}) CHECK_MESSAGE(form(text) == WordForm::marked, text);
  CHECK(form("how-to-brew-coffee") == WordForm::many_part);
  CHECK(form("anna1987") == WordForm::digits);
  CHECK(form("report.pdf") == WordForm::file);
  CHECK(form("K%C3%B6ln") == WordForm::escaped);
}

TEST_CASE("plurals are told by their ending") {
  CHECK(is_plural("users"));
  CHECK(is_plural("categories"));
  CHECK_FALSE(is_plural("status"));
  CHECK_FALSE(is_plural("address"));
  CHECK_FALSE(is_plural("news-feed"));
}

}  // namespace specular::test
