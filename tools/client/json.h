// JSON for people and scripts. MessagePack knows bytes, JSON does not: bytes that are UTF-8 become
// a string, others {"base64": "…"}, in both directions.
#pragma once

#include <msgpack.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace client {

using Json = nlohmann::ordered_json;

[[nodiscard]] bool is_utf8(std::string_view bytes);
[[nodiscard]] Json bytes_to_json(std::string_view bytes);
[[nodiscard]] Json to_json(const msgpack::object& object);

// The bytes of {"base64": "…"}; nothing where `json` is anything else. Throws
// std::invalid_argument where it is not base64.
[[nodiscard]] std::optional<std::string> decode_bytes(const Json& json);

}  // namespace client
