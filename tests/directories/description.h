// All that a data directory holds, as text: term and vote, log, snapshot, and what the database
// says before and after the rest of the log is applied.
#pragma once

#include <filesystem>
#include <string>

#include "actors/disk.h"

namespace directories {

[[nodiscard]] settings::Settings settings_of(const std::filesystem::path& directory);

[[nodiscard]] std::string describe(actors::Disk& disk);

}  // namespace directories
