// Frames: one ZeroMQ multipart message as bytes, without ZeroMQ.
#pragma once

#include <vector>

#include "base/bytes.h"

namespace codec {

using Frames = std::vector<base::SharedBytes>;

}  // namespace codec
