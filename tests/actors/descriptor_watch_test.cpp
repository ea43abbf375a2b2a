#include "actors/descriptor_watch.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "support.h"

using namespace actors;
using Places = std::vector<std::size_t>;

namespace {

Places sorted(Places places) {
  std::sort(places.begin(), places.end());
  return places;
}

}  // namespace

TEST_CASE("descriptor_watch_names_what_is_readable_until_it_is_not") {
  const int first = eventfd(0, EFD_CLOEXEC);
  const int second = eventfd(0, EFD_CLOEXEC);
  DescriptorWatch watch;
  CHECK(watch.wait(0).empty());
  watch.add(first, 7);
  watch.add(-1, 8);
  watch.add(second, 9);
  CHECK(watch.wait(0).empty());
  eventfd_write(second, 1);
  CHECK(watch.wait(-1) == Places{9});
  eventfd_write(first, 1);
  CHECK(sorted(watch.wait(0)) == Places{7, 9});
  CHECK(sorted(watch.wait(0)) == Places{7, 9});
  eventfd_t taken = 0;
  eventfd_read(first, &taken);
  CHECK(watch.wait(0) == Places{9});
  close(second);
  CHECK(watch.wait(0).empty());
  close(first);
}

TEST_CASE("descriptor_watch_goes_on_where_it_is_moved_to") {
  const int descriptor = eventfd(1, EFD_CLOEXEC);
  DescriptorWatch first;
  first.add(descriptor, 3);
  DescriptorWatch second(std::move(first));
  CHECK(second.wait(0) == Places{3});
  DescriptorWatch third;
  third = std::move(second);
  CHECK(third.wait(0) == Places{3});
  close(descriptor);
}
