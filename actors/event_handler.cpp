#include "actors/event_handler.h"

#include <algorithm>
#include <array>
#include <utility>

namespace actors {
namespace {

// Of events a turn from each link, give or take the last batch: enough for a batch that is worth
// a sync, and few enough that ticks and heartbeats are not kept waiting.
constexpr std::size_t kEventsPerTurn = 4096;
constexpr raft::Milliseconds kStatusIntervalMs = 500;
// In one order to database, which takes whole orders a turn.
constexpr std::size_t kReadsPerOrder = 512;

std::string_view event_name(const raft::Event& event) {
  static constexpr std::array<std::string_view, std::variant_size_v<raft::Event>> kNames = {
      "tick_elapsed",       "message_received",
      "command_submitted",  "read_requested",
      "change_submitted",   "transfer_requested",
      "snapshot_requested", "request_expired",
      "persisted",          "entries_applied",
      "entries_fetched",    "snapshot_taken",
      "chunk_fetched",      "chunk_stored",
      "snapshot_installed", "first_configuration_stored",
      "snapshot_not_taken", "chunk_not_stored",
      "disk_space_changed"};
  return kNames[event.index()];
}

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace

EventHandler::EventHandler(raft::Server server, LeaseClock lease_clock, Links links,
                           Logging& logging, Counters& counters)
    : server_(std::move(server)),
      lease_clock_(std::move(lease_clock)),
      links_(std::move(links)),
      logging_(logging),
      log_(logging, "event_handler"),
      counters_(counters) {
  const raft::Status status = server_.status();
  logging_.note_standing(status.role, status.term);
}

std::vector<Input> EventHandler::inputs() {
  std::vector<Input> all = {links_.log_writer.input(),     links_.state_machine.input(),
                            links_.snapshot_store.input(), links_.peers.input(),
                            links_.clients.input(),        Input::of_time(links_.ticks.input())};
  // A12: then every turn judges by the time, and has to know what has come.
  if (lease_clock_) {
    for (Input& input : all) input.is_time = true;
  }
  return all;
}

void EventHandler::turn() {
  // Taken first and judged last, so that a node that was held up hears what it missed before it
  // judges by the time.
  const auto tick = links_.ticks.latest();
  take_reports();
  take_snapshot_reports();
  take_peer_messages();
  take_client_events();
  if (tick) {
    now_ = tick->now;
    step(*tick);
  }
  // A12: whether a lease still holds must not be judged by a tick that was on its way for long.
  if (lease_clock_) step(raft::TickElapsed{lease_clock_()});
  hand_out(server_.take_effects());
}

void EventHandler::stop() {
  while (links_.peers.readable() || links_.clients.readable()) turn();
  turn();
}

void EventHandler::take_reports() {
  while (auto report = links_.log_writer.receive()) {
    if (report->persisted) step(*report->persisted);
    for (auto& fetched : report->fetched) step(std::move(fetched));
    if (report->space) step(*report->space);
  }
  while (const auto report = links_.state_machine.receive()) {
    std::visit([this](const auto& event) { step(event); }, *report);
  }
}

void EventHandler::take_snapshot_reports() {
  while (auto report = links_.snapshot_store.receive()) {
    for (SnapshotEvent& event : report->events) {
      if (const auto* fetched = std::get_if<raft::SnapshotChunkFetched>(&event)) {
        parts_to_fetch_.erase(fetched->peer);
      }
      std::visit([this](auto& each) { step(std::move(each)); }, event);
    }
  }
}

void EventHandler::take_peer_messages() {
  std::size_t taken = 0;
  while (taken < kEventsPerTurn) {
    auto batch = links_.peers.receive();
    if (!batch) return;
    taken += batch->messages.size();
    for (auto& message : batch->messages) step(std::move(message));
  }
}

void EventHandler::take_client_events() {
  std::size_t taken = 0;
  while (taken < kEventsPerTurn) {
    auto batch = links_.clients.receive();
    if (!batch) return;
    taken += batch->events.size();
    for (auto& event : batch->events) on_client_event(std::move(event));
  }
}

void EventHandler::on_client_event(ClientEvent event) {
  std::visit(Overloaded{
                 [this](auto& request) { step(std::move(request)); },
                 [this](ReadSubmitted& read) {
                   held_reads_.emplace(read.request, std::move(read.key));
                   step(raft::ReadRequested{read.request});
                 },
                 [this](raft::RequestExpired& expired) {
                   held_reads_.erase(expired.request);
                   step(expired);
                 },
                 [this](StatusAsked& asked) { status_asked_.push_back(asked.request); },
             },
             event);
}

void EventHandler::step(raft::Event event) {
  if (log_.debugging()) {
    if (const auto* received = std::get_if<raft::MessageReceived>(&event)) {
      log_.debug("{} from node {}", raft::message_name(received->message), received->from.id);
    } else if (!std::holds_alternative<raft::TickElapsed>(event)) {
      log_.debug("{}", event_name(event));
    }
  }
  note_events(1);
  server_.step(std::move(event));
}

void EventHandler::hand_out(raft::Effects effects) {
  if (effects.standing) {
    standing_ = *effects.standing;
    logging_.note_standing(standing_.role, standing_.term);
  }
  tell_joiner(effects);
  hand_to_outbound_dispatcher(effects);
  hand_to_log_writer(effects);
  hand_to_snapshot_store(effects);
  hand_to_database(effects);
  hand_to_clients(effects);
  tell_standing(effects);
  write_traces(effects);
}

void EventHandler::tell_joiner(const raft::Effects& effects) {
  // Its end is closed where this node has no joiner.
  if (effects.members && links_.joiner) static_cast<void>(links_.joiner->offer(*effects.members));
}

void EventHandler::hand_to_outbound_dispatcher(raft::Effects& effects) {
  if (effects.members) members_untold_ = effects.members;
  if (effects.sends.empty() && effects.contacts.empty() && !members_untold_) return;
  if (links_.outbound_dispatcher.offer(
          {std::move(effects.sends), members_untold_, std::move(effects.contacts)})) {
    members_untold_.reset();
  } else {
    counters_.peer_sends_dropped.add();
  }
}

void EventHandler::hand_to_snapshot_store(raft::Effects& effects) {
  SnapshotOrders orders{
      std::move(effects.first_configuration), std::move(effects.chunk_stores), {}};
  for (const raft::FetchSnapshotChunk& fetch : effects.chunk_fetches) {
    if (parts_to_fetch_.insert(fetch.peer).second) {
      orders.fetches.push_back(fetch);
    } else {
      counters_.snapshot_parts_dropped.add();
    }
  }
  if (!orders.empty()) links_.snapshot_store.send(std::move(orders));
}

void EventHandler::hand_to_log_writer(raft::Effects& effects) {
  if (!effects.persist && effects.fetches.empty()) return;
  links_.log_writer.send({std::move(effects.persist), std::move(effects.fetches)});
}

void EventHandler::hand_to_database(raft::Effects& effects) {
  DatabaseOrders orders{effects.install, std::move(effects.apply), {}, {}};
  orders.reads.reserve(std::min(effects.serve_reads.size(), kReadsPerOrder));
  for (const raft::RequestNumber request : effects.serve_reads) {
    auto read = held_reads_.extract(request);
    if (!read) continue;
    if (orders.reads.size() == kReadsPerOrder) {
      links_.state_machine.send(std::exchange(orders, {}));
    }
    orders.reads.push_back({request, std::move(read.mapped())});
  }
  orders.take_snapshot = std::move(effects.take_snapshot);
  if (!orders.empty()) links_.state_machine.send(std::move(orders));
}

void EventHandler::hand_to_clients(raft::Effects& effects) {
  for (const raft::Refuse& refusal : effects.refusals) held_reads_.erase(refusal.request);
  const bool news = effects.standing || effects.members;
  if (!news && effects.refusals.empty() && effects.completions.empty() && status_asked_.empty()) {
    return;
  }
  HandlerAnswers answers{.standing = effects.standing,
                         .refusals = std::move(effects.refusals),
                         .status_asked = std::exchange(status_asked_, {}),
                         .status = std::nullopt,
                         .members = std::move(effects.members),
                         .completions = std::move(effects.completions)};
  if (!answers.status_asked.empty()) {
    answers.status = server_.status();
    answers.status->counters["event_handler_held_reads"] = held_reads_.size();
  }
  links_.clients.send(std::move(answers));
}

void EventHandler::tell_standing(const raft::Effects& effects) {
  if (!effects.standing && now_ - status_told_at_ < kStatusIntervalMs) return;
  const raft::Status status = server_.status();
  links_.status.publish({standing_, status.commit_index, status.first_index});
  status_told_at_ = now_;
}

void EventHandler::write_traces(const raft::Effects& effects) {
  for (const raft::Trace& trace : effects.traces) {
    switch (trace.level) {
      case raft::TraceLevel::kDebug:
        log_.debug("{}", trace.text);
        break;
      case raft::TraceLevel::kInformation:
        log_.info("{}", trace.text);
        break;
      case raft::TraceLevel::kWarning:
        log_.warning("{}", trace.text);
        break;
    }
  }
}

}  // namespace actors
