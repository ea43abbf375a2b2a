// Document: settings as read, with the place of every key that the file sets. Inside of the room
// only.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "settings/problem.h"
#include "settings/settings.h"

namespace settings {

struct Document {
  // Table, key, and for [[member]] its position in the file, else 0.
  using Address = std::tuple<std::string_view, std::string_view, std::size_t>;

  std::string file;
  Settings settings{};              // members in the order of the file
  std::map<Address, Place> places;  // of values; a key that is not set has none
};

// What one key alone cannot tell: ids, ports, and limits that depend on each other.
void check_together(Document& document);

}  // namespace settings
