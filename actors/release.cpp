#include "actors/release.h"

namespace actors {

const char* release() { return RAFT_ACTOR_RELEASE; }

}  // namespace actors
