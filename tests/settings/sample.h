// A valid file to change one thing in, and the message that a file is refused with.
#pragma once

#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>
#include <string_view>

#include "settings/settings.h"

inline std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

inline const std::string kNode = R"([node]
id = 1
cluster = "demo"
data_directory = "data/node1"
)";

// Begins in line 5 of a sample.
inline const std::string kMember = R"([[member]]
id = 1
peer = "tcp://127.0.0.1:3111"
client = "tcp://127.0.0.1:4111"
publish = "tcp://127.0.0.1:5111"
)";

// `more` begins in line 10.
inline std::string sample(std::string_view more = "") { return joined({kNode, kMember, more}); }

inline std::string replaced(std::string text, std::string_view old, std::string_view by) {
  const auto begin = text.find(old);
  REQUIRE(begin != std::string::npos);
  return text.replace(begin, old.size(), by);
}

// Empty where the text is accepted.
inline std::string refusal(std::string_view text) {
  try {
    (void)settings::parse(text, "node.toml");
    return "";
  } catch (const settings::InvalidSettings& error) {
    return error.what();
  }
}
