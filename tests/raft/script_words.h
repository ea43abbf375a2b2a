// The words of one command, taken one after the other; each error says what was expected.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "raft/types.h"
#include "script_file.h"

namespace raft {

// From each of one side to each of the other; no node to itself.
struct Link {
  std::set<NodeId> from;
  std::set<NodeId> to;

  [[nodiscard]] bool holds(NodeId sender, NodeId receiver) const {
    return sender != receiver && from.contains(sender) && to.contains(receiver);
  }
};

// Which of the messages that wait in the network: `2->1 3 append_entries`, in any order and each
// part optional. Also `1<->2`, `1,2->3`, `*->2`.
struct Selection {
  std::vector<Link> links;  // any of them; empty: all
  std::optional<std::string> kind;
  std::optional<std::size_t> count;  // the first so many

  [[nodiscard]] bool matches(NodeId from, NodeId to, std::string_view message_kind) const;
  [[nodiscard]] bool everything() const { return links.empty() && !kind && !count; }
};

class Words {
 public:
  // `nodes`: all there are, to check names and to read `*`.
  Words(std::string_view line, std::set<NodeId> nodes);

  [[nodiscard]] bool empty() const { return words_.empty(); }
  // Takes the next word if it is `word`.
  bool take(std::string_view word);
  [[nodiscard]] std::string word(std::string_view what);
  [[nodiscard]] std::uint64_t number(std::string_view what);
  [[nodiscard]] NodeId node();
  // `2`, `1,2` or `all`; all where no word is left.
  [[nodiscard]] std::set<NodeId> nodes();
  // `2` or `1,2`; at least one.
  [[nodiscard]] std::set<NodeId> named_nodes() { return nodes_named(word("nodes")); }
  [[nodiscard]] Selection selection();
  // What is left, as it stands there; it is not taken.
  [[nodiscard]] std::string rest() const;
  // INDEX/TERM
  [[nodiscard]] std::pair<Index, Term> place(std::string_view what);
  [[nodiscard]] bool next_is_number() const;
  void finish() const;  // nothing may be left

 private:
  [[nodiscard]] NodeId node_named(std::string_view word) const;
  [[nodiscard]] std::set<NodeId> nodes_named(std::string_view word) const;
  [[nodiscard]] std::vector<Link> links_named(std::string_view word) const;

  std::deque<std::string> words_;
  std::set<NodeId> nodes_;
};

}  // namespace raft
