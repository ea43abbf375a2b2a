// The hash of a table that is asked for views of its keys. Private to src/database.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace database {

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

}  // namespace database
