// Reply: what a node answered, one MessagePack map. It comes from outside: parsing unpacks within
// small limits and never throws (B19), and a field that is missing or of another type is absent.
#pragma once

#include <cstdint>
#include <msgpack.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/json.h"

namespace client {

// A view of one map; valid as long as what owns the objects.
class Fields {
 public:
  Fields() = default;
  explicit Fields(const msgpack::object* map) : map_(map) {}

  [[nodiscard]] const msgpack::object* find(std::string_view name) const;
  [[nodiscard]] std::optional<std::uint64_t> integer(std::string_view name) const;
  [[nodiscard]] std::optional<std::string_view> bytes(std::string_view name) const;
  [[nodiscard]] bool is_true(std::string_view name) const;
  [[nodiscard]] Fields map(std::string_view name) const;  // empty where it is none
  // Null where these are no fields at all.
  [[nodiscard]] const msgpack::object* whole() const {
    return map_ != nullptr && map_->type == msgpack::type::MAP ? map_ : nullptr;
  }

 private:
  const msgpack::object* map_ = nullptr;
};

[[nodiscard]] std::optional<std::string_view> bytes_of(const msgpack::object& object);

// Unpacks the whole of `frame`, which is one object within the limits of a reply.
[[nodiscard]] base::Result<msgpack::object_handle> unpack(std::string_view frame);

class Reply {
 public:
  [[nodiscard]] static base::Result<Reply> parse(std::string_view frame);

  [[nodiscard]] Fields fields() const { return Fields(&handle_.get()); }
  [[nodiscard]] bool ok() const { return fields().is_true("ok"); }
  // Of a failure; empty where the node gave none.
  [[nodiscard]] std::string_view error_code() const;
  [[nodiscard]] std::string_view error_message() const;
  // The client endpoint of the leader, where the answering node is not it.
  [[nodiscard]] std::optional<std::string> leader_endpoint() const;
  // The reply without `id`, which is the tool's own.
  [[nodiscard]] Json to_json() const;

 private:
  explicit Reply(msgpack::object_handle handle) : handle_(std::move(handle)) {}

  msgpack::object_handle handle_;  // a map
};

}  // namespace client
