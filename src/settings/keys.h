// Keys: the one description of every key of a settings file: its table, type, default, range and
// the field it fills. Reader, checks and messages follow it, and a test holds config/node1.toml to
// it. Inside of the room only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "settings/settings.h"

namespace settings {

enum class Unit : std::uint8_t {
  kNone,
  kMilliseconds,
  kBytes,
  kMessages,
  kRequests,
  kFiles,
  kEntries,
  kPercent,
  kSessions
};

struct Integer {
  std::uint64_t& (*field)(Settings&);  // for a key of [[member]]: of the last member
  Unit unit;
  std::uint64_t minimum;
  std::uint64_t maximum;
  std::optional<std::uint64_t> fallback;  // none: the key is required
};

// Always required.
struct Text {
  void (*store)(Settings&, std::string_view);
  // What is wrong with the text, empty where nothing is.
  std::string (*objection)(std::string_view);
  std::string_view form;
};

// Never required; empty where it is left out.
struct TextList {
  std::vector<std::string>& (*field)(Settings&);
  std::string (*objection)(std::string_view);  // to one of them, as above
  std::string_view form;                       // of one
  std::size_t most;
};

struct Choice {
  std::span<const std::string_view> words;  // in the order of the enumeration
  void (*store)(Settings&, std::size_t word);
  std::size_t fallback;
};

struct Key {
  std::string_view table;
  std::string_view name;
  std::variant<Integer, Text, TextList, Choice> kind;

  [[nodiscard]] bool required() const;
  // What the value must be: "20 to 60000 milliseconds", "\"threaded\" or \"async\"".
  [[nodiscard]] std::string domain() const;
};

// The first key times `factor` is at most the second; both are Integers.
struct Relation {
  std::string_view lesser_table;
  std::string_view lesser_name;
  std::string_view greater_table;
  std::string_view greater_name;
  std::uint64_t factor;
};

inline constexpr std::string_view kMemberTable = "member";

// A table's keys stand together, in the order of config/node1.toml.
[[nodiscard]] std::span<const Key> keys();
[[nodiscard]] std::span<const Relation> relations();
[[nodiscard]] const Key* find_key(std::string_view table, std::string_view name);

// "64 KiB" where that is exact, else "300 milliseconds".
[[nodiscard]] std::string quantity(std::uint64_t value, Unit unit);
// "[raft]", "[[member]]"
[[nodiscard]] std::string header_of(std::string_view table);

}  // namespace settings
