// Damage: what is stored does not check and may not be guessed. Names file, offset and what to do.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace storage {

class Damage : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  Damage(const std::filesystem::path& file, std::uint64_t offset, const std::string& reason,
         const char* remedy = kReplaceTheNode)
      : Damage(fmt::format("{}, offset {}: {}; {}", file.string(), offset, reason, remedy)) {}

  // What to do about a file of a data directory.
  static constexpr const char* kReplaceTheNode =
      "restore the file from a backup, or move the data directory away and replace this node";
};

}  // namespace storage
