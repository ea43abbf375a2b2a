#include "actors/link.h"

#include "actors/socket_options.h"
#include "base/check.h"

namespace actors::detail {

void check_arrives(bool sent, const std::string& link) {
  CHECK(sent, "link {} has no mark and refused a message", link);
}

std::pair<zmq::socket_t, zmq::socket_t> connected_pair(zmq::context_t& context,
                                                       const std::string& name, std::size_t mark) {
  zmq::socket_t near(context, zmq::socket_type::pair);
  zmq::socket_t far(context, zmq::socket_type::pair);
  set_link_options(near, static_cast<int>(mark));
  set_link_options(far, static_cast<int>(mark));
  const std::string endpoint = "inproc://" + name;
  near.bind(endpoint);
  far.connect(endpoint);
  static_cast<void>(readable(near));  // learns of the other end now, and not at some later call
  return {std::move(near), std::move(far)};
}

}  // namespace actors::detail
