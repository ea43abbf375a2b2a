#include "report.h"

#include <string_view>

namespace sim {
namespace {

constexpr std::size_t kNotesOfANode = 60;

}  // namespace

Statistics& Statistics::operator+=(const Statistics& other) {
  steps += other.steps;
  elections_won += other.elections_won;
  crashes += other.crashes;
  orders_lost += other.orders_lost;
  pauses += other.pauses;
  partitions += other.partitions;
  messages += other.messages;
  messages_lost += other.messages_lost;
  messages_doubled += other.messages_doubled;
  truncations += other.truncations;
  fetches += other.fetches;
  committed += other.committed;
  writes_acknowledged += other.writes_acknowledged;
  reads_served += other.reads_served;
  refused_no_leader += other.refused_no_leader;
  refused_busy += other.refused_busy;
  unknown_outcomes += other.unknown_outcomes;
  return *this;
}

std::string describe(const Statistics& s) {
  return fmt::format(
      "{} steps, {} elections won, {} crashes ({} orders lost), {} pauses, {} partitions, "
      "{} messages ({} lost, {} doubled), {} truncations, {} fetches, {} entries committed, "
      "{} writes acknowledged, {} reads served, refused: {} no leader, {} busy, {} unknown",
      s.steps, s.elections_won, s.crashes, s.orders_lost, s.pauses, s.partitions, s.messages,
      s.messages_lost, s.messages_doubled, s.truncations, s.fetches, s.committed,
      s.writes_acknowledged, s.reads_served, s.refused_no_leader, s.refused_busy,
      s.unknown_outcomes);
}

void Report::mix(std::uint64_t number) {
  hash_ = (hash_ ^ number) * 0x9e3779b97f4a7c15;
  hash_ ^= hash_ >> 29;
}

void Report::keep(raft::NodeId node, Note note) {
  auto& notes = notes_[node];
  if (notes.size() == kNotesOfANode) notes.pop_front();
  notes.push_back(std::move(note));
}

void Report::note(raft::NodeId node, const char* what, std::uint64_t a, std::uint64_t b,
                  std::uint64_t c) {
  mix(schedule_.now());
  mix(node);
  for (const char letter : std::string_view(what)) mix(static_cast<unsigned char>(letter));
  mix(a);
  mix(b);
  mix(c);
  keep(node, {schedule_.now(), what, {a, b, c}, {}});
}

void Report::say(raft::NodeId node, std::string text) {
  mix(schedule_.now());
  mix(node);
  for (const char letter : text) mix(static_cast<unsigned char>(letter));
  keep(node, {schedule_.now(), nullptr, {}, std::move(text)});
}

std::string Report::last_events() const {
  std::string text;
  for (const auto& [node, notes] : notes_) {
    text += node == 0 ? "the world, last events:\n" : fmt::format("node {}, last events:\n", node);
    for (const Note& note : notes) {
      text += fmt::format("  {:>10.3f} ms  ", static_cast<double>(note.at) / 1000);
      text += note.what == nullptr ? note.text
                                   : fmt::format("{} {} {} {}", note.what, note.numbers[0],
                                                 note.numbers[1], note.numbers[2]);
      text += '\n';
    }
  }
  return text;
}

}  // namespace sim
