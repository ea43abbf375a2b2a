#include "client/request.h"

#include <algorithm>
#include <array>
#include <msgpack.hpp>

#include "client/json.h"

namespace client {
namespace {

using Packer = msgpack::packer<msgpack::sbuffer>;

constexpr std::size_t kIdBytes = 8;

void pack_text(Packer& packer, std::string_view text) {
  packer.pack_str(static_cast<std::uint32_t>(text.size()));
  packer.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

void pack_bytes(Packer& packer, std::string_view bytes) {
  packer.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  packer.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

// A map with room for `fields` more after the id and the operation.
class Builder {
 public:
  Builder(std::string_view operation, std::uint32_t fields) : packer_(buffer_) {
    packer_.pack_map(fields + 2);
    pack_text(packer_, "id");
    packer_.pack_fix_uint64(0);
    id_offset_ = buffer_.size() - kIdBytes;
    text("op", operation);
  }
  Builder& text(std::string_view name, std::string_view value) {
    pack_text(packer_, name);
    pack_text(packer_, value);
    return *this;
  }
  Builder& bytes(std::string_view name, std::string_view value) {
    pack_text(packer_, name);
    pack_bytes(packer_, value);
    return *this;
  }
  Builder& integer(std::string_view name, std::uint64_t value) {
    pack_text(packer_, name);
    packer_.pack_uint64(value);
    return *this;
  }
  Builder& texts(std::string_view name, const std::vector<std::string>& values) {
    pack_text(packer_, name);
    packer_.pack_array(static_cast<std::uint32_t>(values.size()));
    for (const std::string& value : values) pack_bytes(packer_, value);
    return *this;
  }
  Builder& integers(std::string_view name, const std::vector<std::uint64_t>& values) {
    pack_text(packer_, name);
    packer_.pack_array(static_cast<std::uint32_t>(values.size()));
    for (const std::uint64_t value : values) packer_.pack_uint64(value);
    return *this;
  }
  Builder& boolean(std::string_view name, bool value) {
    pack_text(packer_, name);
    packer_.pack(value);
    return *this;
  }
  Builder& name(const std::optional<WriteName>& name) {
    return name ? integer("session", name->session).integer("seq", name->seq) : *this;
  }
  [[nodiscard]] Request take(Resend resend, bool needs_leader) const {
    return {std::string(buffer_.data(), buffer_.size()), id_offset_, resend, needs_leader};
  }

 private:
  msgpack::sbuffer buffer_;
  Packer packer_;
  std::size_t id_offset_;
};

// NOLINTNEXTLINE(misc-no-recursion): the depth is that of what the user typed.
void pack_json(Packer& packer, const Json& json) {
  if (const auto bytes = decode_bytes(json)) return pack_bytes(packer, *bytes);
  switch (json.type()) {
    case Json::value_t::boolean:
      packer.pack(json.get<bool>());
      break;
    case Json::value_t::number_integer:
      packer.pack_int64(json.get<std::int64_t>());
      break;
    case Json::value_t::number_unsigned:
      packer.pack_uint64(json.get<std::uint64_t>());
      break;
    case Json::value_t::number_float:
      packer.pack_double(json.get<double>());
      break;
    case Json::value_t::string:
      pack_text(packer, json.get_ref<const std::string&>());
      break;
    case Json::value_t::array:
      packer.pack_array(static_cast<std::uint32_t>(json.size()));
      for (const Json& element : json) pack_json(packer, element);
      break;
    case Json::value_t::object:
      packer.pack_map(static_cast<std::uint32_t>(json.size()));
      for (const auto& [name, value] : json.items()) {
        pack_text(packer, name);
        pack_json(packer, value);
      }
      break;
    default:
      packer.pack_nil();
  }
}

// What the tool knows of an operation that the user wrote by hand.
void classify(Request& request, const Json& json) {
  const auto text = [&](const char* name) {
    return json.contains(name) && json[name].is_string() ? json[name].get<std::string>() : "";
  };
  const std::string operation = text("op");
  const bool write = operation == "set" || operation == "delete";
  const bool read = operation == "get";
  const bool named = json.contains("session") && json.contains("seq");
  constexpr std::array kHarmless = {"get",           "status",       "replay",
                                    "debug",         "members",      "snapshot",
                                    "snapshot.read", "session.open", "session.close"};
  if (write) request.resend = Resend::kIdempotent;
  if (named || std::find(kHarmless.begin(), kHarmless.end(), operation) != kHarmless.end()) {
    request.resend = Resend::kAlways;
  }
  constexpr std::array kAnsweredByAny = {"status", "replay", "debug", "snapshot", "snapshot.read"};
  const bool any =
      std::find(kAnsweredByAny.begin(), kAnsweredByAny.end(), operation) != kAnsweredByAny.end();
  request.needs_leader = !any && !(read && text("consistency") == "local");
}

}  // namespace

void Request::set_id(std::uint64_t id) {
  if (!id_offset) return;
  for (std::size_t i = 0; i < kIdBytes; ++i) {
    frame[*id_offset + i] = static_cast<char>(id >> (8 * (kIdBytes - 1 - i)));
  }
}

Request make_set(std::string_view key, std::string_view value,
                 const std::optional<WriteName>& name) {
  return Builder("set", name ? 4 : 2)
      .bytes("key", key)
      .bytes("value", value)
      .name(name)
      .take(name ? Resend::kAlways : Resend::kIdempotent, true);
}

Request make_get(std::string_view key, Consistency consistency) {
  const bool local = consistency == Consistency::kLocal;
  return Builder("get", 2)
      .bytes("key", key)
      .text("consistency", local ? "local" : "linearizable")
      .take(Resend::kAlways, !local);
}

Request make_delete(std::string_view key, const std::optional<WriteName>& name) {
  return Builder("delete", name ? 3 : 1)
      .bytes("key", key)
      .name(name)
      .take(name ? Resend::kAlways : Resend::kIdempotent, true);
}

Request make_publish(std::string_view channel, std::string_view value,
                     const std::optional<WriteName>& name) {
  return Builder("publish", name ? 4 : 2)
      .bytes("channel", channel)
      .bytes("value", value)
      .name(name)
      .take(name ? Resend::kAlways : Resend::kNever, true);
}

Request make_replay(std::uint64_t after, const std::vector<std::string>& topics,
                    std::uint64_t limit) {
  return Builder("replay", 3)
      .integer("after", after)
      .texts("topics", topics)
      .integer("limit", limit)
      .take(Resend::kAlways, false);
}

Request make_status() { return Builder("status", 0).take(Resend::kAlways, false); }

Request make_debug() { return Builder("debug", 0).take(Resend::kAlways, false); }

Request make_members() { return Builder("members", 0).take(Resend::kAlways, true); }

Request make_join(const Newcomer& newcomer) {
  return Builder("join", 7)
      .integer("node", newcomer.id)
      .text("peer", newcomer.peer)
      .text("client", newcomer.client)
      .text("publish", newcomer.publish)
      .integer("priority", newcomer.priority)
      .boolean("voter", newcomer.voter)
      .integers("replaces", newcomer.replaces)
      .take(Resend::kNever, true);
}

Request make_leave(std::uint64_t node) {
  return Builder("leave", 1).integer("node", node).take(Resend::kNever, true);
}

Request make_promote(std::uint64_t node) {
  return Builder("promote", 1).integer("node", node).take(Resend::kNever, true);
}

Request make_transfer(std::optional<std::uint64_t> node) {
  Builder builder("transfer", node ? 1 : 0);
  if (node) builder.integer("node", *node);
  return builder.take(Resend::kNever, true);
}

Request make_snapshot() { return Builder("snapshot", 0).take(Resend::kAlways, false); }

Request make_snapshot_read(std::optional<std::uint64_t> index, std::uint64_t offset,
                           std::uint64_t max_bytes) {
  Builder builder("snapshot.read", index ? 3 : 2);
  if (index) builder.integer("index", *index);
  return builder.integer("offset", offset)
      .integer("max_bytes", max_bytes)
      .take(Resend::kAlways, false);
}

Request make_session_open(std::optional<std::uint64_t> timeout_ms) {
  Builder builder("session.open", timeout_ms ? 1 : 0);
  if (timeout_ms) builder.integer("timeout_ms", *timeout_ms);
  // A session that was opened in vain expires.
  return builder.take(Resend::kAlways, true);
}

Request make_session_close(std::uint64_t session) {
  return Builder("session.close", 1).integer("session", session).take(Resend::kAlways, true);
}

Request make_raw(const Json& json) {
  msgpack::sbuffer buffer;
  Packer packer(buffer);
  Request request;
  if (json.is_object() && !decode_bytes(json)) {
    packer.pack_map(static_cast<std::uint32_t>(json.size() + (json.contains("id") ? 0 : 1)));
    pack_text(packer, "id");
    packer.pack_fix_uint64(0);
    request.id_offset = buffer.size() - kIdBytes;
    for (const auto& [name, value] : json.items()) {
      if (name == "id") continue;
      pack_text(packer, name);
      pack_json(packer, value);
    }
    classify(request, json);
  } else {
    pack_json(packer, json);
  }
  request.frame.assign(buffer.data(), buffer.size());
  return request;
}

}  // namespace client
