// Requests: frames of clients that set keys, the same each time.
#pragma once

#include <cstdint>
#include <msgpack.hpp>
#include <string>
#include <vector>

#include "base/random.h"

namespace benchmarks {

class Requests {
 public:
  explicit Requests(std::size_t value_bytes) : value_(value_bytes, '\0') {
    for (char& character : value_) character = static_cast<char>(random_.next());
  }

  [[nodiscard]] std::vector<std::string> next(std::size_t count) {
    std::vector<std::string> frames;
    for (std::size_t i = 0; i < count; ++i) frames.push_back(next());
    return frames;
  }

  [[nodiscard]] std::string next() {
    msgpack::sbuffer buffer;
    msgpack::packer<msgpack::sbuffer> packer(buffer);
    packer.pack_map(4);
    packer.pack("id");
    packer.pack(++last_id_);
    packer.pack("op");
    packer.pack("set");
    packer.pack("key");
    packer.pack("bench/" + std::to_string(random_.between(0, 9999)));
    packer.pack("value");
    packer.pack_bin(static_cast<std::uint32_t>(value_.size()));
    packer.pack_bin_body(value_.data(), static_cast<std::uint32_t>(value_.size()));
    return {buffer.data(), buffer.size()};
  }

 private:
  base::Random random_{1};
  std::string value_;
  std::uint64_t last_id_ = 0;
};

}  // namespace benchmarks
