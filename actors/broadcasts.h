// A change of the state machine as subscribers see it.
#pragma once

#include "codec/client_codec.h"
#include "database/database.h"

namespace actors {

[[nodiscard]] codec::EncodedBroadcast encode_broadcast(database::Broadcast broadcast);

}  // namespace actors
