#include "actors/descriptor_watch.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/check.h"

namespace actors {
namespace {

constexpr int kNone = -1;

}  // namespace

DescriptorWatch::DescriptorWatch() : epoll_(epoll_create1(EPOLL_CLOEXEC)), found_(1) {
  if (epoll_ >= 0) return;
  throw std::system_error(errno, std::generic_category(), "cannot watch descriptors");
}

DescriptorWatch::~DescriptorWatch() {
  if (epoll_ != kNone) close(epoll_);
}

DescriptorWatch::DescriptorWatch(DescriptorWatch&& other) noexcept
    : epoll_(std::exchange(other.epoll_, kNone)),
      found_(std::move(other.found_)),
      places_(std::move(other.places_)) {}

DescriptorWatch& DescriptorWatch::operator=(DescriptorWatch&& other) noexcept {
  std::swap(epoll_, other.epoll_);
  std::swap(found_, other.found_);
  std::swap(places_, other.places_);
  return *this;
}

void DescriptorWatch::add(int descriptor, std::size_t place) {
  if (descriptor < 0) return;
  epoll_event event{EPOLLIN, {.u64 = place}};
  const int done = epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
  CHECK(done == 0, "descriptor {} cannot be watched: {}", descriptor, errno);
  found_.emplace_back();
}

const std::vector<std::size_t>& DescriptorWatch::wait(int timeout_ms) {
  places_.clear();
  const int count = epoll_wait(epoll_, found_.data(), static_cast<int>(found_.size()), timeout_ms);
  CHECK(count >= 0 || errno == EINTR, "epoll of {} descriptors failed with {}", found_.size(),
        errno);
  for (int i = 0; i < count; ++i) places_.push_back(found_[static_cast<std::size_t>(i)].data.u64);
  return places_;
}

}  // namespace actors
