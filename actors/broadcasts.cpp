#include "actors/broadcasts.h"

#include <utility>

namespace actors {
namespace {

std::string encode_header(const database::Broadcast& broadcast) {
  switch (broadcast.kind) {
    case database::BroadcastKind::kSet:
      return codec::encode_set_header(broadcast.index, broadcast.term, broadcast.number);
    case database::BroadcastKind::kDelete:
      return codec::encode_delete_header(broadcast.index, broadcast.term, broadcast.number);
    case database::BroadcastKind::kPublish:
      break;
  }
  return codec::encode_publish_header(broadcast.index, broadcast.term, broadcast.number);
}

}  // namespace

codec::EncodedBroadcast encode_broadcast(database::Broadcast broadcast) {
  std::string header = encode_header(broadcast);
  return {std::move(broadcast.topic), std::move(header), std::move(broadcast.payload)};
}

}  // namespace actors
