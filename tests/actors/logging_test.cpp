#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "support.h"

using namespace actors;

namespace {

std::string logged(bool colours, raft::Role role, settings::LogLevel level) {
  std::ostringstream out;
  {
    Logging logging(3, level, std::make_shared<spdlog::sinks::ostream_sink_mt>(out), colours);
    logging.note_standing(role, 5);
    const ActorLog log(logging, "event_handler");
    log.info("won the {}", "election");
    log.debug("every event");
  }
  return out.str();
}

}  // namespace

TEST_CASE("logging_names_node_role_term_and_actor") {
  const auto line = logged(false, raft::Role::kLeader, settings::LogLevel::kInfo);
  CHECK_THAT(line, Catch::Contains("info") && Catch::Contains("node 3 Leader") &&
                       Catch::Contains("term 5") &&
                       Catch::Contains("event_handler: won the election"));
  CHECK_THAT(line, !Catch::Contains("\033") && !Catch::Contains("every event"));
}

TEST_CASE("logging_shows_the_role_in_colour_on_a_terminal") {
  const auto level = settings::LogLevel::kDebug;
  CHECK_THAT(logged(true, raft::Role::kLeader, level), Catch::Contains("\033[31mLeader"));
  CHECK_THAT(logged(true, raft::Role::kCandidate, level), Catch::Contains("\033[33mCandidate"));
  CHECK_THAT(logged(true, raft::Role::kFollower, level), Catch::Contains("\033[32mFollower"));
  CHECK_THAT(logged(true, raft::Role::kFollower, level), Catch::Contains("every event"));
}
