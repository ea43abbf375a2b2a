#include "actors/zmq_calls.h"

#include "support.h"

using namespace actors;

TEST_CASE("received_bytes_do_not_keep_what_zeromq_read_with_them") {
  for (const std::size_t size : {std::size_t{100}, std::size_t{8191}}) {
    zmq::message_t frame(std::string(size, 'x'));
    const void* place = frame.data();
    const base::SharedBytes bytes = to_bytes(std::move(frame));
    CHECK(bytes.data() != place);
    CHECK(bytes.view() == std::string(size, 'x'));
  }
}

TEST_CASE("received_bytes_of_a_large_frame_are_not_copied") {
  zmq::message_t frame(std::string(8192, 'x'));
  const void* place = frame.data();
  CHECK(to_bytes(std::move(frame)).data() == place);
}
