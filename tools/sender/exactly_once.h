// Writes that take effect once, whatever is lost on the way: under a session of the cluster.
#pragma once

#include <functional>
#include <optional>

#include "client/client.h"
#include "client/request.h"
#include "sender/options.h"
#include "sender/session.h"

namespace sender {

using MakeWrite = std::function<client::Request(const std::optional<client::WriteName>&)>;

// The outcome of a write as the options want it: under the session that they name, under one that
// is opened for it (--retry), or under none.
[[nodiscard]] client::Outcome call_write(Session& session, const Options& options,
                                         const MakeWrite& make);

}  // namespace sender
