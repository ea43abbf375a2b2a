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
  Damage(const std::filesystem::path& file, std::uint64_t offset, const std::string& reason)
      : Damage(fmt::format("{}, offset {}: {}; restore the file from a backup, or move the data "
                           "directory away and replace this node",
                           file.string(), offset, reason)) {}
};

}  // namespace storage
