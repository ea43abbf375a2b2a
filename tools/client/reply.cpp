#include "client/reply.h"

#include <algorithm>
#include <exception>

namespace client {
namespace {

// The largest list in a reply is that of broadcasts. Objects for a declared length are allocated
// before its elements are seen, so lengths and depth together bound what a hostile reply costs.
constexpr std::size_t kMaxArray = 100'000;
constexpr std::size_t kMaxMap = 1'000;
constexpr std::size_t kMaxDepth = 16;

}  // namespace

std::optional<std::string_view> bytes_of(const msgpack::object& object) {
  if (object.type == msgpack::type::STR) {
    return std::string_view(object.via.str.ptr, object.via.str.size);
  }
  if (object.type == msgpack::type::BIN) {
    return std::string_view(object.via.bin.ptr, object.via.bin.size);
  }
  return std::nullopt;
}

const msgpack::object* Fields::find(std::string_view name) const {
  if (map_ == nullptr || map_->type != msgpack::type::MAP) return nullptr;
  for (std::uint32_t i = 0; i < map_->via.map.size; ++i) {
    const auto& [key, value] = map_->via.map.ptr[i];
    if (bytes_of(key) == name) return &value;
  }
  return nullptr;
}

std::optional<std::uint64_t> Fields::integer(std::string_view name) const {
  const msgpack::object* field = find(name);
  if (field == nullptr || field->type != msgpack::type::POSITIVE_INTEGER) return std::nullopt;
  return field->via.u64;
}

std::optional<std::string_view> Fields::bytes(std::string_view name) const {
  const msgpack::object* field = find(name);
  return field == nullptr ? std::nullopt : bytes_of(*field);
}

bool Fields::is_true(std::string_view name) const {
  const msgpack::object* field = find(name);
  return field != nullptr && field->type == msgpack::type::BOOLEAN && field->via.boolean;
}

Fields Fields::map(std::string_view name) const { return Fields(find(name)); }

base::Result<msgpack::object_handle> unpack(std::string_view frame) {
  const std::size_t size = frame.size();
  const msgpack::unpack_limit limit(std::min(size, kMaxArray), std::min(size, kMaxMap), size, size,
                                    size, kMaxDepth);
  try {
    std::size_t offset = 0;
    auto handle = msgpack::unpack(frame.data(), size, offset, nullptr, nullptr, limit);
    if (offset != size) return base::Error{"bytes follow the MessagePack object"};
    return handle;
  } catch (const std::exception& error) {
    return base::Error{error.what()};
  }
}

base::Result<Reply> Reply::parse(std::string_view frame) {
  auto handle = unpack(frame);
  if (!handle) return base::Error{handle.error()};
  if (handle->get().type != msgpack::type::MAP) return base::Error{"the reply is no map"};
  return Reply(std::move(*handle));
}

std::string_view Reply::error_code() const {
  return fields().map("error").bytes("code").value_or("");
}

std::string_view Reply::error_message() const {
  return fields().map("error").bytes("message").value_or("the node gave no reason");
}

std::optional<std::string> Reply::leader_endpoint() const {
  const auto endpoint = fields().map("leader").bytes("client");
  if (!endpoint || !endpoint->starts_with("tcp://")) return std::nullopt;
  return std::string(*endpoint);
}

Json Reply::to_json() const {
  Json json = client::to_json(handle_.get());
  json.erase("id");
  return json;
}

}  // namespace client
