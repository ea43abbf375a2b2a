#include "sender/input_line.h"

#include <fmt/format.h>

#include <stdexcept>

namespace sender {
namespace {

using client::Json;
using Parsed = base::Result<std::optional<InputRequest>>;

Parsed parse_json(std::string_view line) {
  try {
    const Json json = Json::parse(line);
    InputRequest input{client::make_raw(json), {}};
    if (json.value("op", Json()) == "get" && json.contains("key") && json["key"].is_string()) {
      input.read_key = json["key"].get<std::string>();
    }
    return std::optional(std::move(input));
  } catch (const std::exception& error) {
    return base::Error{fmt::format("no JSON of a request: {}", error.what())};
  }
}

Parsed make_request(const std::vector<std::string>& words) {
  const std::string& command = words[0];
  const std::size_t wanted = command == "get" || command == "delete"    ? 2
                             : command == "set" || command == "publish" ? 3
                                                                        : 0;
  if (wanted == 0) {
    return base::Error{fmt::format("'{}' is none of set, get, delete, publish", command)};
  }
  if (words.size() != wanted) {
    return base::Error{fmt::format("{} takes {} words behind it, not {}; quote what has blanks",
                                   command, wanted - 1, words.size() - 1)};
  }
  InputRequest input;
  if (command == "set") input.request = client::make_set(words[1], words[2]);
  if (command == "publish") input.request = client::make_publish(words[1], words[2]);
  if (command == "delete") input.request = client::make_delete(words[1]);
  if (command == "get") {
    input.request = client::make_get(words[1], client::Consistency::kLinearizable);
    input.read_key = words[1];
  }
  return std::optional(std::move(input));
}

// Reads the quoted part that begins behind `quote`, up to and with its end; false without one.
bool read_quoted(std::string_view line, std::size_t& position, char quote, std::string& word) {
  for (; position < line.size(); ++position) {
    const char character = line[position];
    if (character == quote) return true;
    const bool escape = quote == '"' && character == '\\' && position + 1 < line.size() &&
                        (line[position + 1] == '"' || line[position + 1] == '\\');
    word += escape ? line[++position] : character;
  }
  return false;
}

}  // namespace

base::Result<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  std::optional<std::string> word;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char character = line[i];
    if (character == ' ' || character == '\t') {
      if (word) words.push_back(*std::exchange(word, std::nullopt));
      continue;
    }
    if (!word) word.emplace();
    if (character == '\'' || character == '"') {
      if (!read_quoted(line, ++i, character, *word)) {
        return base::Error{fmt::format("the quote {} is not closed", character)};
      }
    } else if (character == '\\') {
      if (++i == line.size()) return base::Error{"a backslash at the end escapes nothing"};
      *word += line[i];
    } else {
      *word += character;
    }
  }
  if (word) words.push_back(*word);
  return words;
}

Parsed parse_input_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t start = line.find_first_not_of(" \t");
  if (start == std::string_view::npos || line[start] == '#') return std::optional<InputRequest>();
  if (line[start] == '{') return parse_json(line);
  const auto words = split_words(line);
  if (!words) return base::Error{words.error()};
  return make_request(*words);
}

}  // namespace sender
