// Faults: what can go wrong in a run, by name. A seed draws how often each happens; a run may be
// limited to some of them, which changes nothing about the others.
#pragma once

#include <bitset>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sim {

enum class Fault : std::uint8_t {
  kLoss,
  kDuplication,
  kReordering,
  kDelay,
  kPartitions,
  kKills,
  kPowerCuts,
  kHungSyncs,
  kWriteErrors,
  kFullDisks,
  kReadErrors,
  kBitFlips,
  kPauses,
  kDrift,
  kClockJumps,
  kSmallLimits,
  kChurn,
  kTransfers,
  kSnapshots,
  kWipes,
  kFlapping,
  kStalls,
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::kStalls) + 1;

class FaultSet {
 public:
  [[nodiscard]] static FaultSet all() {
    FaultSet set;
    set.faults_.set();
    return set;
  }
  void add(Fault fault) { faults_.set(static_cast<std::size_t>(fault)); }
  [[nodiscard]] bool has(Fault fault) const {
    return faults_.test(static_cast<std::size_t>(fault));
  }
  friend bool operator==(const FaultSet&, const FaultSet&) = default;

 private:
  std::bitset<kFaults> faults_;
};

struct FaultDescription {
  Fault fault;
  std::string_view name;
  std::string_view what;
};
[[nodiscard]] std::span<const FaultDescription> fault_descriptions();

// "loss,kills", "all" or "none".
[[nodiscard]] base::Result<FaultSet> parse_faults(std::string_view list);
[[nodiscard]] std::string describe(const FaultSet& faults);  // as parse_faults() takes it

}  // namespace sim
