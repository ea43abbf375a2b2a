// UnsentReplies: the bytes of large replies that ZeroMQ still holds for clients that read slowly or
// not at all. ZeroMQ's marks count messages, whatever their size. Part of socket_server.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "base/bytes.h"

namespace actors {

class UnsentReplies {
 public:
  explicit UnsentReplies(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Small replies, as those to writes are, always have: a mark bounds their number.
  [[nodiscard]] bool has_room(std::size_t size) const {
    return size < kLargeReplyBytes || bytes_->load(std::memory_order_relaxed) + size <= max_bytes_;
  }

  // The same bytes, counted until their last reference is gone. That may be on a thread of
  // ZeroMQ, hence the atomic.
  [[nodiscard]] base::SharedBytes counted(base::SharedBytes reply) const {
    if (reply.size() < kLargeReplyBytes) return reply;
    const std::size_t size = reply.size();
    bytes_->fetch_add(size, std::memory_order_relaxed);
    const auto release = [bytes = bytes_, owner = reply.owner(), size](const void*) mutable {
      owner.reset();
      bytes->fetch_sub(size, std::memory_order_relaxed);
    };
    return {std::shared_ptr<const void>(reply.data(), release), reply.data(), size};
  }

 private:
  static constexpr std::size_t kLargeReplyBytes = 512;

  std::size_t max_bytes_;
  std::shared_ptr<std::atomic<std::size_t>> bytes_ = std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace actors
