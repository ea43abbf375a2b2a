// Ways to spoil valid bytes.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "codec/peer_codec.h"

namespace hostile {

// Requests that are taken.
inline std::vector<std::string> requests() {
  using namespace std::string_literals;
  return {
      "\x84\xa2op\xa3set\xa2id\x93\x01\xa2xy\x81\x01\x02\xa3key\xa1k\xa5value\xc4\x02vw"s,
      "\x83\xa2op\xa3get\xa3key\xa1k\xab"
      "consistency\xa5local"s,
      "\x84\xa2op\xa6replay\xa5"
      "after\xcd\x01\x00\xa6topics\x92\xa3kv/\xc4\x01"
      "c\xa5limit\x05"s,
      "\x83\xa2op\xa6status\xa2id\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa3new\x91\xcb"s +
          std::string(8, '\0'),
      "\x84\xa2op\xa6"
      "change\xa3"
      "add\x92\x84\xa2id\x06\xa4peer\xa9tcp://a:1\xa6"
      "client\xa9tcp://a:2\xa7publish\xa9tcp://a:3"
      "\x87\xa2id\x07\xa5voter\xc2\xa8identity\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa8priority\x01"
      "\xa4peer\xc4\x09tcp://b:1\xa6"
      "client\xa9tcp://b:2\xa7publish\xa9tcp://b:3"
      "\xa7promote\x91\x04\xa6remove\x92\x01\x02"s,
      "\x86\xa2op\xa4join\xa4node\x06\xa4peer\xa9tcp://a:1\xa6"
      "client\xa9tcp://a:2\xa7publish\xa9tcp://a:3\xa8replaces\x91\x02"s,
      "\x85\xa2op\xa6"
      "delete\xa3key\xa1k\xa7session\x05\xa3seq\x01\xa2id\x07"s,
      "\x82\xa2op\xacsession.open\xaatimeout_ms\xcd\x03\xe8"s,
  };
}

inline codec::Frames replaced(codec::Frames frames, std::size_t position, std::string bytes) {
  frames[position] = base::SharedBytes::take(std::move(bytes));
  return frames;
}

inline std::string flipped(std::string bytes, std::size_t bit) {
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  return bytes;
}

// Some bytes changed, removed, inserted or repeated.
inline std::string mutated(base::Random& random, std::string bytes) {
  for (auto changes = random.between(1, 4); changes > 0; --changes) {
    const std::size_t at = bytes.empty() ? 0 : random.between(0, bytes.size() - 1);
    switch (bytes.empty() ? 1 : random.between(0, 4)) {
      case 0:
        bytes[at] = static_cast<char>(random.next());
        break;
      case 1:
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                     static_cast<char>(random.between(0x80, 0xff)));
        break;
      case 2:
        bytes.erase(at, random.between(1, 4));
        break;
      case 3:
        bytes.insert(at, bytes.substr(at / 2, random.between(1, 16)));
        break;
      default:
        bytes.resize(at);
        break;
    }
  }
  return bytes;
}

}  // namespace hostile
