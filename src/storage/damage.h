// Damage: what is stored does not check and may not be guessed. Names file, offset and what to do,
// for where nothing can be repaired (opening.h says what can).
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace storage {

class Damage : public std::runtime_error {
 public:
  explicit Damage(const std::string& text) : std::runtime_error(text), found_(text) {}
  Damage(const std::filesystem::path& file, std::uint64_t offset, const std::string& reason,
         const std::string& remedy = kReplaceTheNode)
      : Damage(fmt::format("{}, offset {}: {}", file.string(), offset, reason), remedy) {}

  // File, offset and reason alone.
  [[nodiscard]] const std::string& found() const { return found_; }

  // What to do about a file of a data directory.
  static constexpr const char* kReplaceTheNode =
      "restore the file from a backup, or move the data directory away and replace this node";

 private:
  Damage(const std::string& found, const std::string& remedy)
      : std::runtime_error(found + "; " + remedy), found_(found) {}

  std::string found_;
};

// The directory or file cannot be used as asked, whole as it is: one sentence that says why and
// what to do.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// For people: `what` is of a format version that this program does not know, which is `known`.
[[nodiscard]] inline std::string unknown_version(const std::string& what, std::uint32_t version,
                                                 std::uint32_t known) {
  return fmt::format("{} has format version {}, this program knows version {}: run {} program",
                     what, version, known, version > known ? "a newer" : "an older");
}

}  // namespace storage
