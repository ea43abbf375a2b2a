#include "script_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "script_print.h"

namespace raft {
namespace {

std::optional<std::uint64_t> number_in(std::string_view word) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace

bool Selection::matches(NodeId from, NodeId to, std::string_view message_kind) const {
  if (kind && *kind != message_kind) return false;
  return links.empty() || std::any_of(links.begin(), links.end(),
                                      [&](const Link& link) { return link.holds(from, to); });
}

Words::Words(std::string_view line, std::set<NodeId> nodes) : nodes_(std::move(nodes)) {
  while (true) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
    words_.emplace_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

bool Words::take(std::string_view word) {
  if (words_.empty() || words_.front() != word) return false;
  words_.pop_front();
  return true;
}

std::string Words::word(std::string_view what) {
  if (words_.empty()) throw ScriptError(fmt::format("{} is missing", what));
  std::string word = std::move(words_.front());
  words_.pop_front();
  return word;
}

bool Words::next_is_number() const { return !words_.empty() && number_in(words_.front()); }

std::uint64_t Words::number(std::string_view what) {
  const std::string text = word(what);
  const auto value = number_in(text);
  if (!value) throw ScriptError(fmt::format("\"{}\" is no {}", text, what));
  return *value;
}

NodeId Words::node() { return node_named(word("a node")); }

std::set<NodeId> Words::nodes() {
  if (words_.empty() || take("all")) return nodes_;
  return nodes_named(word("nodes"));
}

Selection Words::selection() {
  Selection selection;
  while (!words_.empty()) {
    const std::string text = word("messages");
    if (text.find("->") != std::string::npos) {
      const auto links = links_named(text);
      selection.links.insert(selection.links.end(), links.begin(), links.end());
    } else if (const auto count = number_in(text)) {
      selection.count = *count;
    } else if (is_message_name(text)) {
      selection.kind = text;
    } else {
      throw ScriptError(
          fmt::format("\"{}\" is no link (1->2), no count and no kind of message", text));
    }
  }
  return selection;
}

std::pair<Index, Term> Words::place(std::string_view what) {
  const std::string text = word(what);
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto index = number_in(std::string_view(text).substr(0, slash));
  const auto term = number_in(std::string_view(text).substr(std::min(slash + 1, text.size())));
  if (!index || !term) throw ScriptError(fmt::format("\"{}\" is no {} INDEX/TERM", text, what));
  return {*index, *term};
}

std::string Words::rest() const {
  std::string text;
  for (const std::string& each : words_) text += (text.empty() ? "" : " ") + each;
  return text;
}

void Words::finish() const {
  if (!words_.empty()) throw ScriptError(fmt::format("\"{}\" is too much", words_.front()));
}

NodeId Words::node_named(std::string_view word) const {
  const auto id = number_in(word);
  if (!id || !nodes_.contains(*id)) {
    throw ScriptError(fmt::format("there is no node \"{}\"", word));
  }
  return *id;
}

std::set<NodeId> Words::nodes_named(std::string_view word) const {
  if (word == "*") return nodes_;
  std::set<NodeId> named;
  while (true) {
    const std::size_t comma = word.find(',');
    named.insert(node_named(word.substr(0, comma)));
    if (comma == std::string_view::npos) return named;
    word.remove_prefix(comma + 1);
  }
}

std::vector<Link> Words::links_named(std::string_view word) const {
  const std::size_t arrow = word.find("->");
  const bool both_ways = arrow > 0 && word[arrow - 1] == '<';
  const auto from = nodes_named(word.substr(0, both_ways ? arrow - 1 : arrow));
  const auto to = nodes_named(word.substr(arrow + 2));
  std::vector<Link> links{{from, to}};
  if (both_ways) links.push_back({to, from});
  return links;
}

}  // namespace raft
