// What a recovery is about to give up, for the person who decides it, and for `recovery.txt`.
#pragma once

#include <string>
#include <vector>

#include "actors/disk.h"
#include "settings/settings.h"
#include "storage/survivor.h"

namespace commands {

[[nodiscard]] std::string describe_recovery(const settings::Settings& settings,
                                            const actors::Disk& disk,
                                            const std::vector<storage::Survivor>& survivors);

}  // namespace commands
