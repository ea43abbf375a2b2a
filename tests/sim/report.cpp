#include "report.h"

#include <algorithm>
#include <span>

#include "base/checksum.h"

namespace sim {
namespace {

constexpr std::size_t kNotesOfANode = 60;

std::string name_of(raft::NodeId node) {
  return node == kWorld ? "world" : node == kClients ? "clients" : fmt::format("node {}", node);
}

}  // namespace

void Report::mix(raft::NodeId node, std::string_view text,
                 const std::array<std::uint64_t, 3>& numbers) {
  const std::array<std::uint64_t, 7> words{
      hash_,      schedule_.now(), node,      base::checksum(std::as_bytes(std::span(text))),
      numbers[0], numbers[1],      numbers[2]};
  hash_ = base::checksum(std::as_bytes(std::span(words)));
}

Report::Note& Report::next_note(raft::NodeId node) {
  if (notes_.size() <= node) notes_.resize(node + 1);
  Notes& notes = notes_[node];
  if (notes.ring.empty()) notes.ring.resize(kNotesOfANode);
  Note& note = notes.ring[notes.count++ % kNotesOfANode];
  note.at = schedule_.now();
  return note;
}

void Report::note_named(raft::NodeId node, const char* what, const char* name, std::uint64_t a,
                        std::uint64_t b, std::uint64_t c) {
  mix(node, what, {a, b, c});
  Note& note = next_note(node);
  note.what = what;
  note.name = name;
  note.numbers = {a, b, c};
  if (trace_ != nullptr) trace(node, note);
}

void Report::say(raft::NodeId node, const std::string& text) {
  mix(node, text, {});
  Note& note = next_note(node);
  note.what = nullptr;
  note.text = text;
  if (trace_ != nullptr) trace(node, note);
}

std::string Report::text_of(const Note& note) {
  const std::string text = note.what == nullptr
                               ? note.text
                               : fmt::format(fmt::runtime(note.what), note.numbers[0],
                                             note.numbers[1], note.numbers[2], note.name);
  return fmt::format("{:>12.3f} ms  {}", static_cast<double>(note.at) / 1000, text);
}

void Report::trace(raft::NodeId node, const Note& note) const {
  fmt::print(trace_, "{:7}  {}\n", name_of(node), text_of(note));
}

std::string Report::last_events() const {
  std::string text;
  for (std::size_t node = 0; node < notes_.size(); ++node) {
    const Notes& notes = notes_[node];
    const std::uint64_t kept = std::min<std::uint64_t>(notes.count, kNotesOfANode);
    if (kept > 0) text += fmt::format("{}, last events:\n", name_of(node));
    for (std::uint64_t number = notes.count - kept; number < notes.count; ++number) {
      text += text_of(notes.ring[number % kNotesOfANode]) + '\n';
    }
  }
  return text;
}

}  // namespace sim
