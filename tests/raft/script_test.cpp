// The scripts of tests/raft/scripts, and the language they are written in.
#include <catch2/catch.hpp>

#include "script_file.h"
#include "script_runner.h"

using namespace raft;  // NOLINT: the words of the paper

namespace {

std::string error_of(std::string_view script) {
  try {
    (void)run_script("story.txt", script);
  } catch (const ScriptError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("script_each_prints_what_stands_in_it") {
  const auto paths = all_scripts();
  REQUIRE_FALSE(paths.empty());
  for (const auto& path : paths) {
    DYNAMIC_SECTION(path.filename().string()) {
      const std::string text = read_script(path);
      const std::string name = path.filename().string();
      const std::string difference = unified_diff(name, text, run_script(name, text));
      INFO(difference << "raft-scripts --rewrite accepts the change, once it can be explained.");
      REQUIRE(difference.empty());
    }
  }
}

TEST_CASE("script_keeps_all_but_the_outcome_as_written") {
  const std::string_view script =
      "# A story.\n\nnodes 1  # one\nelect 1\n----\nwrong\n\n# The end.\nshow\n----\n\n# Over.\n";
  const std::string printed = run_script("story.txt", script);
  REQUIRE(printed ==
          "# A story.\n\nnodes 1  # one\nelect 1\n----\n1 leads term 1\n\n# The end.\nshow\n----\n"
          "node  role           term  vote  commit  disk  log\n"
          "1     leader            1     1       1     1  1\n\n# Over.\n");
  REQUIRE(run_script("story.txt", printed) == printed);
}

TEST_CASE("script_same_script_same_outcome") {
  const std::string_view script =
      "nodes 5\npass all 5000\npropose 2 x\npass all 100\nshow\nmessages\n----\n";
  REQUIRE(run_script("story.txt", script) == run_script("story.txt", script));
}

TEST_CASE("script_mistakes_are_told_with_file_and_line") {
  REQUIRE(error_of("nodes 3\n----\n\n# why\nfly 1\n----\n") ==
          "story.txt:5: there is no command \"fly\"");
  REQUIRE(error_of("show\n----\n") ==
          "story.txt:1: no nodes yet: a script begins with \"nodes COUNT\" (usage: show [NODES])");
  REQUIRE(error_of("nodes 3\nelect 4\n----\n") ==
          "story.txt:2: there is no node \"4\" (usage: elect NODE)");
  REQUIRE(error_of("nodes 3\n\nelect\n----\n") ==
          "story.txt:3: a node is missing (usage: elect NODE)");
  REQUIRE(error_of("nodes 3\nelect 1 2\n----\n") ==
          "story.txt:2: \"2\" is too much (usage: elect NODE)");
  REQUIRE(error_of("nodes 3\ndrop 1->2 vote\n----\n") ==
          "story.txt:2: \"vote\" is no link (1->2), no count and no kind of message (usage: drop "
          "MESSAGES)");
  REQUIRE(error_of("nodes 3\ndrop 1->2\n----\n") ==
          "story.txt:2: no such message waits in the network (usage: drop MESSAGES)");
  REQUIRE(error_of("nodes 3\ncrash 1\npropose 1 x\n----\n") ==
          "story.txt:3: node 1 is down (usage: propose NODE TEXT)");
  REQUIRE(error_of("nodes 3\n----\n\nshow\n") ==
          "story.txt:4: no line \"----\" follows this command");
  REQUIRE(error_of("# nothing\n") == "story.txt:1: no commands");
}

TEST_CASE("script_difference_is_told_in_the_unified_format") {
  REQUIRE(unified_diff("a", "1\n2\n3\n", "1\n2\n3\n").empty());
  REQUIRE(unified_diff("a", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\nsix\n7\n8\n9\nten\n") ==
          "--- a (expected)\n+++ a (actual)\n@@ -3,7 +3,8 @@\n 3\n 4\n 5\n-6\n+six\n 7\n 8\n 9\n"
          "+ten\n");
  REQUIRE(unified_diff("a", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", "one\n2\n3\n4\n5\n6\n7\n8\n9\n") ==
          "--- a (expected)\n+++ a (actual)\n@@ -1,4 +1,4 @@\n-1\n+one\n 2\n 3\n 4\n"
          "@@ -7,4 +7,3 @@\n 7\n 8\n 9\n-10\n");
}
