#include "database/versions.h"

namespace database {

std::size_t Versions::bytes_of(std::string_view key) {
  constexpr std::size_t kSlot = 64;
  constexpr std::size_t kInString = 15;
  return kSlot + (key.size() > kInString ? key.size() + 1 : 0);
}

void Versions::make_room(std::size_t bytes) {
  if (recent_bytes_ + bytes > max_generation_bytes_) {
    earlier_ = std::exchange(recent_, {});
    earlier_bytes_ = std::exchange(recent_bytes_, 0);
  }
  recent_bytes_ += bytes;
}

void Versions::clear() {
  recent_.clear();
  earlier_.clear();
  recent_bytes_ = 0;
  earlier_bytes_ = 0;
}

}  // namespace database
