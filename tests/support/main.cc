// The main program of the unit tests: runs them all and ends with the line that tools/test adds up.
#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdio>
#include <string_view>

#include <doctest/doctest.h>

namespace {

struct Tally : doctest::IReporter {
  static inline unsigned passed = 0, failed = 0, skipped = 0;

  explicit Tally(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats& stats) override {
    failed = stats.numTestCasesFailed;
    passed = stats.numTestCasesPassingFilters - stats.numTestCasesFailed;
  }
  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  // Those that were not asked for are told here, too, and those that play another process for a test.
  void test_case_skipped(const doctest::TestCaseData& test) override {
    if (!test.m_skip || std::string_view(test.m_name).starts_with("helper: ")) return;
    ++skipped;
    std::printf("skipped, since it needs root: %s\n", test.m_name);
  }
};

REGISTER_LISTENER("tally", 1, Tally);

}  // namespace

int main(int argc, char** argv) {
  int status = doctest::Context(argc, argv).run();
  std::printf("%u passed, %u failed, %u skipped\n", Tally::passed, Tally::failed, Tally::skipped);
  return status;
}
