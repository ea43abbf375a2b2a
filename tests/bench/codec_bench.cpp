// What it costs to turn frames into messages and back.
#include <benchmark/benchmark.h>

#include "codec/client_codec.h"
#include "codec/peer_codec.h"
#include "database/command.h"
#include "requests.h"

namespace {

constexpr codec::ClientLimits kLimits{.max_request_bytes = 1 << 20, .max_key_bytes = 240};
const codec::PeerIdentity kSender{"benchmark", 1, 1001};
const codec::PeerIdentity kReceiver{"benchmark", 2, 1002};

void count_values(benchmark::State& state, std::int64_t values) {
  state.SetItemsProcessed(state.iterations() * values);
}

void parse_set_request(benchmark::State& state) {
  benchmarks::Requests requests(static_cast<std::size_t>(state.range(0)));
  const std::string frame = requests.next();
  for (auto _ : state) {
    const auto parsed = codec::parse_request(frame, kLimits);
    if (!std::holds_alternative<codec::Request>(parsed)) state.SkipWithError("refused");
    benchmark::DoNotOptimize(parsed);
  }
  count_values(state, 1);
}
BENCHMARK(parse_set_request)->ArgName("value_bytes")->Arg(16)->Arg(256)->Arg(4096);

void encode_set_reply(benchmark::State& state) {
  const codec::ReplyBody reply = codec::SetReply{123'456, 7};
  for (auto _ : state) benchmark::DoNotOptimize(codec::encode_reply("\x01", reply, std::nullopt));
  count_values(state, 1);
}
BENCHMARK(encode_set_reply);

void encode_set_command(benchmark::State& state) {
  const std::string key = "bench/00001234";
  const std::string value(256, 'v');
  for (auto _ : state) {
    benchmark::DoNotOptimize(database::encode_command(database::SetCommand{key, value}));
  }
  count_values(state, 1);
}
BENCHMARK(encode_set_command);

raft::AppendEntries append_entries(std::size_t count) {
  raft::EntryBlockBuilder block(0);
  for (raft::Index index = 1; index <= count; ++index) {
    block.add(index, 1, raft::EntryKind::kCommand, base::SharedBytes::take(std::string(256, 'c')));
  }
  return {.term = 1,
          .prev_log_index = 0,
          .prev_log_term = 0,
          .leader_commit = 0,
          .entries = block.finish()};
}

// An entry travels as the bytes it has: this is for the message around them.
void encode_append_entries(benchmark::State& state) {
  const raft::Message message = append_entries(static_cast<std::size_t>(state.range(0)));
  const raft::Peer to{kReceiver.node, kReceiver.identity};
  for (auto _ : state) {
    benchmark::DoNotOptimize(codec::encode_peer_message(kSender, to, message));
  }
  count_values(state, state.range(0));
}
BENCHMARK(encode_append_entries)->ArgName("entries")->Arg(1)->Arg(64)->Arg(1000);

// With the checksums of all entries.
void decode_append_entries(benchmark::State& state) {
  const auto frames = codec::encode_peer_message(
      kSender, {kReceiver.node, kReceiver.identity},
      raft::Message(append_entries(static_cast<std::size_t>(state.range(0)))));
  for (auto _ : state) {
    const auto decoded = codec::decode_peer_message(kReceiver, {}, frames);
    if (!std::holds_alternative<codec::PeerMessage>(decoded)) state.SkipWithError("refused");
    benchmark::DoNotOptimize(decoded);
  }
  count_values(state, state.range(0));
}
BENCHMARK(decode_append_entries)->ArgName("entries")->Arg(1)->Arg(64)->Arg(1000);

void build_entries(benchmark::State& state) {
  const auto count = static_cast<raft::Index>(state.range(0));
  const auto payload = base::SharedBytes::take(std::string(256, 'c'));
  for (auto _ : state) {
    raft::EntryBlockBuilder block(0);
    for (raft::Index index = 1; index <= count; ++index) {
      block.add(index, 1, raft::EntryKind::kCommand, payload);
    }
    benchmark::DoNotOptimize(block.finish());
  }
  count_values(state, state.range(0));
}
BENCHMARK(build_entries)->ArgName("entries")->Arg(1)->Arg(64)->Arg(1000);

}  // namespace
