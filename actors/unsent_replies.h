// UnsentReplies: the bytes of large replies that ZeroMQ still holds for clients that read slowly or
// not at all. ZeroMQ's marks count messages, whatever their size. Part of socket_server.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <zmq.hpp>

namespace actors {

class UnsentReplies {
 public:
  explicit UnsentReplies(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Small replies, as those to writes are, always have: a mark bounds their number.
  [[nodiscard]] bool has_room(std::size_t size) const {
    return size < kLargeReplyBytes || bytes_->load(std::memory_order_relaxed) + size <= max_bytes_;
  }

  // Large ones are counted until ZeroMQ is done with them, which it is on a thread of its own:
  // hence the atomic.
  [[nodiscard]] zmq::message_t to_frame(std::string reply) const {
    if (reply.size() < kLargeReplyBytes) return zmq::message_t(reply);
    auto unsent = std::make_unique<Unsent>(std::move(reply), bytes_);
    std::string& text = unsent->text;
    const auto release = [](void*, void* hint) { delete static_cast<Unsent*>(hint); };
    zmq::message_t frame(text.data(), text.size(), release, unsent.get());
    static_cast<void>(unsent.release());
    return frame;
  }

 private:
  using Count = std::shared_ptr<std::atomic<std::size_t>>;
  struct Unsent {
    Unsent(std::string reply, Count all)
        : text(std::move(reply)), size(text.size()), bytes(std::move(all)) {
      bytes->fetch_add(size, std::memory_order_relaxed);
    }
    ~Unsent() { bytes->fetch_sub(size, std::memory_order_relaxed); }
    Unsent(const Unsent&) = delete;
    Unsent& operator=(const Unsent&) = delete;

    std::string text;
    std::size_t size;
    Count bytes;
  };
  static constexpr std::size_t kLargeReplyBytes = 512;

  std::size_t max_bytes_;
  Count bytes_ = std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace actors
