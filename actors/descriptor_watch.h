// Which of many descriptors are readable, by epoll(7): what it costs to ask does not grow with how
// many are watched, as it does with poll(2). Not thread-safe.
#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <vector>

namespace actors {

class DescriptorWatch {
 public:
  DescriptorWatch();
  ~DescriptorWatch();
  DescriptorWatch(DescriptorWatch&& other) noexcept;
  DescriptorWatch& operator=(DescriptorWatch&& other) noexcept;

  // Each once; one that is closed is watched no more. Below 0: there is nothing to watch. `place`
  // is how wait() names it.
  void add(int descriptor, std::size_t place);

  // The places of those that are readable, in any order, until the next call. Waits until there is
  // one, but no longer than this; -1 ms: for ever. None where a signal interrupts it (B17).
  [[nodiscard]] const std::vector<std::size_t>& wait(int timeout_ms);

 private:
  int epoll_;
  std::vector<epoll_event> found_;  // room for all that are watched, and never for none
  std::vector<std::size_t> places_;
};

}  // namespace actors
