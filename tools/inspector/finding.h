// What a look into a data directory came upon: place, weight and a sentence for people.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace inspector {

enum class Weight : std::uint8_t {
  kNote,      // in order, and worth knowing
  kTornTail,  // a write that was interrupted: a start of the node cuts it
  kDamage,    // what no crash leaves
};

struct Finding {
  Weight weight = Weight::kNote;
  std::filesystem::path file;
  std::uint64_t offset = 0;
  std::string what;

  friend bool operator==(const Finding&, const Finding&) = default;
};
using Findings = std::vector<Finding>;

[[nodiscard]] inline const char* weight_name(Weight weight) {
  switch (weight) {
    case Weight::kNote:
      return "note";
    case Weight::kTornTail:
      return "torn tail";
    case Weight::kDamage:
      return "damage";
  }
  return "";
}

// A file that was there a moment ago is not: a running node trims, truncates and replaces. The
// reading begins anew.
class MovedOn : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Nothing can be said: no such directory, no permission, a version of the format that is not known.
class Unreadable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace inspector
