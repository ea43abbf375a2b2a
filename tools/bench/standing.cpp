#include "bench/standing.h"

#include <algorithm>

#include "client/endpoints.h"

namespace bench {
namespace {

// The publish endpoint of the node that answered, as its list of members has it; empty where it
// names none.
std::string publish_endpoint(const client::Fields& status) {
  const msgpack::object* members = status.find("members");
  if (members == nullptr || members->type != msgpack::type::ARRAY) return "";
  for (std::uint32_t i = 0; i < members->via.array.size; ++i) {
    const client::Fields member(&members->via.array.ptr[i]);
    if (member.integer("id") != status.integer("node")) continue;
    return std::string(member.bytes("publish").value_or(""));
  }
  return "";
}

}  // namespace

std::optional<std::uint64_t> highest(const std::vector<client::Answer>& statuses,
                                     std::string_view field) {
  std::optional<std::uint64_t> found;
  for (const client::Answer& status : statuses) {
    if (status.reply) found = std::max(found, status.reply->fields().integer(field));
  }
  return found;
}

std::vector<std::string> publish_endpoints(const std::vector<client::Answer>& statuses) {
  std::vector<std::string> endpoints;
  for (const client::Answer& status : statuses) {
    if (!status.reply) continue;
    const std::string endpoint = publish_endpoint(status.reply->fields());
    try {
      client::check_endpoint(endpoint);
      endpoints.push_back(endpoint);
    } catch (const client::UsageError&) {
      // From outside: what is no endpoint is passed over.
    }
  }
  return endpoints;
}

}  // namespace bench
