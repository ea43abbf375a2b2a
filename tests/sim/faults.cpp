#include "faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sim {
namespace {

constexpr std::array<FaultDescription, kFaults> kDescriptions{{
    {Fault::kLoss, "loss", "messages are lost"},
    {Fault::kDuplication, "duplication", "messages arrive twice"},
    {Fault::kReordering, "reordering", "messages of one link overtake each other"},
    {Fault::kDelay, "delay", "some messages are late, by up to a minute"},
    {Fault::kPartitions, "partitions",
     "links are cut, also one way or in part; what they held is lost or comes late, at once"},
    {Fault::kKills, "kills", "processes end at any point; what they wrote stays in the page cache"},
    {Fault::kPowerCuts, "power-cuts",
     "nodes lose power at any point: what was not synced is lost, torn or reordered"},
    {Fault::kHungSyncs, "hung-syncs", "some syncs take up to seconds"},
    {Fault::kWriteErrors, "write-errors", "writes and syncs fail; the node ends"},
    {Fault::kFullDisks, "full-disks",
     "no space is left in the middle of a write; disks are full for a while, at all nodes too"},
    {Fault::kReadErrors, "read-errors", "reads fail, at a start or later"},
    {Fault::kBitFlips, "bit-flips",
     "a bit of what is stored changes while a node is down, at fewer than half of the nodes"},
    {Fault::kPauses, "pauses", "nodes stand still and go on"},
    {Fault::kDrift, "drift", "clocks run at different rates"},
    {Fault::kClockJumps, "clock-jumps", "clocks leap ahead, or begin anew with a power cut"},
    {Fault::kSmallLimits, "small-limits", "limits of the core that are reached: queues are full"},
    {Fault::kChurn, "churn", "members join, leave, and are promoted, several at once too"},
    {Fault::kTransfers, "transfers", "leadership is handed over, for no reason"},
    {Fault::kSnapshots, "snapshots", "snapshots are taken at any moment, and logs are short"},
    {Fault::kWipes, "wipes", "nodes lose their data directory; a majority keeps its own"},
    {Fault::kFlapping, "flapping", "links come and go, several times a second"},
    {Fault::kStalls, "stalls",
     "entries and snapshots for a node stand still, and small messages pass them by"},
}};

}  // namespace

std::span<const FaultDescription> fault_descriptions() { return kDescriptions; }

base::Result<FaultSet> parse_faults(std::string_view list) {
  if (list == "all") return FaultSet::all();
  FaultSet faults;
  if (list == "none") return faults;
  while (true) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view name = list.substr(0, comma);
    const auto found = std::find_if(kDescriptions.begin(), kDescriptions.end(),
                                    [&](const auto& each) { return each.name == name; });
    if (found == kDescriptions.end()) {
      return base::Error{fmt::format("\"{}\" is no fault", name)};
    }
    faults.add(found->fault);
    if (comma == list.size()) return faults;
    list.remove_prefix(comma + 1);
  }
}

std::string describe(const FaultSet& faults) {
  if (faults == FaultSet::all()) return "all";
  std::string list;
  for (const auto& each : kDescriptions) {
    if (faults.has(each.fault)) list += fmt::format("{}{}", list.empty() ? "" : ",", each.name);
  }
  return list.empty() ? "none" : list;
}

}  // namespace sim
