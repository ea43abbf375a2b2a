// Traffic: the requests of one worker, in their order: of which kind, for which key, and when.
// Closed loop: the next is always due. Open loop: they are due at even distances, whatever becomes
// of those before.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "bench/key_chooser.h"
#include "bench/stage.h"
#include "client/request.h"

namespace bench {

struct Plan;

struct Work {
  bool read = false;
  std::uint64_t key = 0;
  Clock::time_point due;  // latencies count from here
};

class Traffic {
 public:
  explicit Traffic(const Plan& plan);

  // What is to be begun next; null where nothing is due yet, or all of the plan has begun. The
  // first call begins the schedule.
  [[nodiscard]] const Work* front(Clock::time_point now);
  // front() was begun.
  void pop();
  // The bytes of a request for `work`; until the next call.
  [[nodiscard]] std::string_view frame(const Work& work, std::uint64_t id);
  // When front() has something next, where that is known and in the future.
  [[nodiscard]] std::optional<Clock::time_point> next_due(Clock::time_point now) const;

 private:
  struct Template {
    client::Request request;  // its id and key are patched for each use
    std::size_t key_offset;
  };

  [[nodiscard]] static Template make_template(client::Request request);
  [[nodiscard]] Clock::time_point due_at(std::uint64_t request) const;

  const Plan& plan_;
  KeyChooser keys_;
  base::Random kinds_;
  Template read_;
  Template write_;
  std::optional<Work> front_;
  std::optional<Clock::time_point> start_;
  std::uint64_t begun_ = 0;
};

}  // namespace bench
