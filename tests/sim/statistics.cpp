#include "statistics.h"

#include <fmt/format.h>

namespace sim {

const std::array<StatisticsField, kStatisticsFields> kStatistics{{
    {"steps", &Statistics::steps},
    {"elections_won", &Statistics::elections_won},
    {"kills", &Statistics::kills},
    {"power_cuts", &Statistics::power_cuts},
    {"orders_lost", &Statistics::orders_lost},
    {"disk_faults", &Statistics::disk_faults},
    {"starts_failed", &Statistics::starts_failed},
    {"bit_flips", &Statistics::bit_flips},
    {"refused_damage", &Statistics::refused_damage},
    {"starts_in_doubt", &Statistics::starts_in_doubt},
    {"repairs", &Statistics::repairs},
    {"pauses", &Statistics::pauses},
    {"clock_jumps", &Statistics::clock_jumps},
    {"partitions", &Statistics::partitions},
    {"flaps", &Statistics::flaps},
    {"stalls", &Statistics::stalls},
    {"messages", &Statistics::messages},
    {"messages_lost", &Statistics::messages_lost},
    {"messages_doubled", &Statistics::messages_doubled},
    {"messages_late", &Statistics::messages_late},
    {"truncations", &Statistics::truncations},
    {"fetches", &Statistics::fetches},
    {"committed", &Statistics::committed},
    {"operations", &Statistics::operations},
    {"attempts", &Statistics::attempts},
    {"writes_acknowledged", &Statistics::writes_acknowledged},
    {"reads_served", &Statistics::reads_served},
    {"refused_no_leader", &Statistics::refused_no_leader},
    {"refused_busy", &Statistics::refused_busy},
    {"unknown_outcomes", &Statistics::unknown_outcomes},
    {"histories_undecided", &Statistics::histories_undecided},
    {"wipes", &Statistics::wipes},
    {"replacements", &Statistics::replacements},
    {"snapshots_taken", &Statistics::snapshots_taken},
    {"snapshots_received", &Statistics::snapshots_received},
    {"snapshots_reused", &Statistics::snapshots_reused},
    {"snapshots_restored", &Statistics::snapshots_restored},
    {"changes_committed", &Statistics::changes_committed},
    {"requests_completed", &Statistics::requests_completed},
    {"publications", &Statistics::publications},
    {"sessions_opened", &Statistics::sessions_opened},
    {"sessions_refused", &Statistics::sessions_refused},
    {"sessions_closed", &Statistics::sessions_closed},
    {"session_writes_repeated", &Statistics::session_writes_repeated},
    {"sessions_expired", &Statistics::sessions_expired},
    {"spares_used", &Statistics::spares_used},
    {"full_disks", &Statistics::full_disks},
    {"refused_disk_full", &Statistics::refused_disk_full},
    {"wrong_directory", &Statistics::wrong_directory},
    {"liveness_not_due", &Statistics::liveness_not_due},
}};
static_assert(sizeof(Statistics) == kStatisticsFields * sizeof(std::uint64_t));

Statistics& Statistics::operator+=(const Statistics& other) {
  for (const StatisticsField& field : kStatistics) this->*field.value += other.*field.value;
  return *this;
}

std::string describe(const Statistics& statistics) {
  std::string text;
  for (const StatisticsField& field : kStatistics) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", field.name, statistics.*field.value);
  }
  return text;
}

}  // namespace sim
