#include "client/json.h"

#include <cstdint>
#include <stdexcept>

namespace client {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string encode_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t given = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < given ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= given ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

std::string decode_base64(std::string_view text) {
  const std::size_t end = text.find_last_not_of('=') + 1;
  if (text.size() % 4 != 0 || text.size() - end > 2) {
    throw std::invalid_argument("base64 comes in groups of four characters");
  }
  std::string bytes;
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < end; ++i) {
    const std::size_t digit = kAlphabet.find(text[i]);
    if (digit == std::string_view::npos) {
      throw std::invalid_argument("'" + std::string(1, text[i]) + "' is no character of base64");
    }
    group = group << 6 | static_cast<std::uint32_t>(digit);
    if (i % 4 != 0) bytes += static_cast<char>(group >> (6 - 2 * (i % 4)) & 255);
  }
  return bytes;
}

std::string_view view_of(const msgpack::object& object) {
  return object.type == msgpack::type::BIN
             ? std::string_view(object.via.bin.ptr, object.via.bin.size)
             : std::string_view(object.via.str.ptr, object.via.str.size);
}

bool is_bytes(const msgpack::object& object) {
  return object.type == msgpack::type::STR || object.type == msgpack::type::BIN;
}

std::string name_of(const msgpack::object& key) {
  const Json json = to_json(key);
  return json.is_string() ? json.get<std::string>() : json.dump();
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    const std::size_t length = lead < 0x80             ? 1
                               : (lead & 0xe0) == 0xc0 ? 2
                               : (lead & 0xf0) == 0xe0 ? 3
                               : (lead & 0xf8) == 0xf0 ? 4
                                                       : 0;
    if (length == 0 || i + length > bytes.size()) return false;
    std::uint32_t point = length == 1 ? lead : lead & (0x7fU >> length);
    for (std::size_t j = 1; j < length; ++j) {
      const auto next = static_cast<unsigned char>(bytes[i + j]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3fU);
    }
    constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kLeast[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
      return false;
    }
    i += length;
  }
  return true;
}

Json bytes_to_json(std::string_view bytes) {
  if (is_utf8(bytes)) return std::string(bytes);
  return Json{{"base64", encode_base64(bytes)}};
}

// NOLINTNEXTLINE(misc-no-recursion): the unpacker has limited the depth.
Json to_json(const msgpack::object& object) {
  switch (object.type) {
    case msgpack::type::BOOLEAN:
      return object.via.boolean;
    case msgpack::type::POSITIVE_INTEGER:
      return object.via.u64;
    case msgpack::type::NEGATIVE_INTEGER:
      return object.via.i64;
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
      return object.via.f64;
    case msgpack::type::STR:
    case msgpack::type::BIN:
      return bytes_to_json(view_of(object));
    case msgpack::type::ARRAY: {
      Json array = Json::array();
      for (std::uint32_t i = 0; i < object.via.array.size; ++i) {
        array.push_back(to_json(object.via.array.ptr[i]));
      }
      return array;
    }
    case msgpack::type::MAP: {
      Json map = Json::object();
      for (std::uint32_t i = 0; i < object.via.map.size; ++i) {
        const auto& [key, value] = object.via.map.ptr[i];
        map[is_bytes(key) && is_utf8(view_of(key)) ? std::string(view_of(key)) : name_of(key)] =
            to_json(value);
      }
      return map;
    }
    case msgpack::type::EXT:
      return bytes_to_json({object.via.ext.data(), object.via.ext.size});
    default:
      return nullptr;
  }
}

std::optional<std::string> decode_bytes(const Json& json) {
  if (!json.is_object() || json.size() != 1 || !json.contains("base64") ||
      !json["base64"].is_string()) {
    return std::nullopt;
  }
  return decode_base64(json["base64"].get_ref<const std::string&>());
}

}  // namespace client
