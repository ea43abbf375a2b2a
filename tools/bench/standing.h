// Standing: what the answers of nodes to `status` say of the cluster.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/ask_each.h"

namespace bench {

// The highest value of an integer field; nothing where no node has told one. For what never falls
// in a cluster, so that a node that is behind makes no difference.
[[nodiscard]] std::optional<std::uint64_t> highest(const std::vector<client::Answer>& statuses,
                                                   std::string_view field);

// Of the nodes that answered, in their order; those of members that are down are left out.
[[nodiscard]] std::vector<std::string> publish_endpoints(
    const std::vector<client::Answer>& statuses);

}  // namespace bench
