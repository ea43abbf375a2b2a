#include "database/command.h"
#include "socket_server_bench.h"

using namespace actors;
using namespace actors_test;

TEST_CASE("socket_server_names_writes_of_sessions_and_says_what_was_repeated") {
  const auto mode = each_runtime();
  ServerBench bench("[sessions]\ntimeout_ms = 7000\nmax_sessions = 3\n");
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  const auto taken = [&](const std::string& bytes) {
    send(client, {bytes});
    return std::get<raft::CommandSubmitted>(events(bench, 1)[0]);
  };
  const auto answered = [&](raft::RequestNumber number, raft::Index index,
                            const database::Outcome& outcome, raft::Index effect) {
    bench.queries.far.send({{{number, index, outcome, effect}}, {}, {}});
    return receive(client);
  };

  auto submitted = taken(request({{"op", "session.open"}}));
  auto command = database::decode_command(submitted.command.view());
  REQUIRE(command);
  const auto& open = std::get<database::OpenSessionCommand>(*command);
  CHECK(open.timeout_ms == 7000);
  CHECK(open.max_sessions == 3);
  CHECK(Reply(answered(submitted.request, 5, database::SessionOpened{5}, 5)).number("session") ==
        5);

  const auto named = request({{"op", "set"},
                              {"key", "colour"},
                              {"value", "blue"},
                              {"session", std::uint64_t{5}},
                              {"seq", std::uint64_t{1}}});
  submitted = taken(named);
  command = database::decode_command(submitted.command.view());
  REQUIRE(command);
  const auto& write = std::get<database::SessionCommand>(*command);
  CHECK(write.session == 5);
  CHECK(write.seq == 1);
  CHECK(std::get<database::SetCommand>(write.write).value == "blue");
  const Reply first(answered(submitted.request, 6, database::SetOutcome{1}, 6));
  CHECK(first.number("index") == 6);
  CHECK(first.fields().count("repeated") == 0);
  submitted = taken(named);
  const Reply second(answered(submitted.request, 9, database::SetOutcome{1}, 6));
  CHECK(second.number("index") == 6);
  CHECK(second.fields().at("repeated").as<bool>());

  const std::vector<std::pair<database::Outcome, std::string>> refused = {
      {database::SessionExpired{}, "session_expired"},
      {database::SeqTooOld{}, "unknown_outcome"},
      {database::SessionsFull{}, "busy"}};
  for (const auto& [outcome, code] : refused) {
    submitted = taken(named);
    CHECK(verdict(answered(submitted.request, 12, outcome, 12)) == code);
  }
  submitted = taken(request({{"op", "session.close"}, {"session", std::uint64_t{5}}}));
  CHECK(Reply(answered(submitted.request, 13, database::SessionClosed{true}, 13))
            .fields()
            .at("found")
            .as<bool>());
}

TEST_CASE("socket_server_tells_the_detail_of_a_refusal") {
  const auto mode = each_runtime();
  ServerBench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  send(client, {request({{"op", "leave"}, {"node", std::uint64_t{7}}})});
  const auto change = std::get<raft::ChangeSubmitted>(events(bench, 1)[0]);
  CHECK(change.change.remove == std::vector<raft::NodeId>{7});
  bench.handler.far.send({{},
                          {{change.request, raft::RefusalReason::kConflict, "Node 7 is nobody."}},
                          {},
                          {},
                          {},
                          {}});
  const std::string reply = receive(client);
  CHECK(verdict(reply) == "conflict");
  CHECK_THAT(reply, Catch::Contains("Node 7 is nobody."));
}

TEST_CASE("socket_server_completes_changes_transfers_and_snapshots") {
  const auto mode = each_runtime();
  ServerBench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  send(client, {request({{"op", "transfer"}, {"node", std::uint64_t{3}}})});
  const auto transfer = std::get<raft::TransferRequested>(events(bench, 1)[0]);
  CHECK(transfer.target == 3);
  bench.handler.far.send({{}, {}, {}, {}, {}, {{transfer.request, 3}}});
  CHECK(Reply(receive(client)).number("node") == 3);

  send(client, {request({{"op", "snapshot"}})});
  const auto snapshot = std::get<raft::SnapshotRequested>(events(bench, 1)[0]);
  bench.handler.far.send({{}, {}, {}, {}, {}, {{snapshot.request, 99}}});
  CHECK(Reply(receive(client)).number("index") == 99);

  send(client, {request({{"op", "promote"}, {"node", std::uint64_t{3}}})});
  const auto promotion = std::get<raft::ChangeSubmitted>(events(bench, 1)[0]);
  CHECK(promotion.change.promote == std::vector<raft::NodeId>{3});
  DatabaseAnswers answers;
  answers.changes.push_back({promotion.request, 12});
  bench.queries.far.send(answers);
  CHECK(Reply(receive(client)).number("index") == 12);
}

TEST_CASE("socket_server_forgets_a_transfer_whose_time_is_up") {
  const auto mode = each_runtime();
  ServerBench bench("[limits]\nrequest_timeout_ms = 1000\n");
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  send(client, {request({{"op", "transfer"}})});
  const auto number = number_of(events(bench, 1)[0]);
  zmq::message_t reply;
  eventually([&] {
    bench.ticks.publish({1000});
    return receive_frame(client, reply);
  });
  CHECK(verdict(reply.to_string()) == "unknown_outcome");
  CHECK(std::get<raft::RequestExpired>(events(bench, 1)[0]).request == number);
}

TEST_CASE("socket_server_says_who_the_members_are") {
  const auto mode = each_runtime();
  ServerBench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  raft::Status status{};
  status.id = 1;
  status.role = raft::Role::kLeader;
  status.durable_index = 50;
  status.configuration_index = 9;
  status.configuration = three_members().configuration;
  status.configuration.voters = {1, 2};
  status.configuration.goal = {1, 2, 3};
  status.peers = {{2, true, 40, 41}, {3, true, 30, 31}};
  for (const std::string op : {"members", "status"}) {
    send(client, {request({{"op", op}})});
    const auto asked = std::get<StatusAsked>(events(bench, 1)[0]);
    bench.handler.far.send({{}, {}, {asked.request}, status, {}, {}});
    const Reply reply(receive(client));
    const auto members = reply.fields().at("members").as<std::vector<Fields>>();
    REQUIRE(members.size() == 3);
    CHECK(members[1].at("voter").as<bool>());
    CHECK_FALSE(members[2].at("voter").as<bool>());
    CHECK(members[2].at("client").as<std::string>() == "tcp://127.0.0.1:4103");
    if (op == "status") continue;
    CHECK(reply.number("index") == 9);
    CHECK(reply.fields().at("changing").as<bool>());
    CHECK(members[2].at("promoting").as<bool>());
    CHECK(members[0].at("match_index").as<std::uint64_t>() == 50);
    CHECK(members[2].at("match_index").as<std::uint64_t>() == 30);
    CHECK(members[2].at("identity").as<std::uint64_t>() == 33);
  }
}

TEST_CASE("socket_server_hands_parts_of_snapshots_on_and_their_bytes_back") {
  const auto mode = each_runtime();
  ServerBench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  const auto ask = [&] {
    send(client, {request({{"op", "snapshot.read"}, {"index", 7U}, {"offset", 3U}})});
    return next(bench.parts.far);
  };
  const SnapshotReads asked = ask();
  REQUIRE(asked.reads.size() == 1);
  CHECK(asked.reads[0].read.index == 7U);
  CHECK(asked.reads[0].read.offset == 3);
  const raft::RequestNumber number = asked.reads[0].request;
  const SnapshotPart part{7, 10, {}, base::SharedBytes::copy_of("tent")};
  bench.parts.far.send({{{number, part}}, {}, 4});
  CHECK(verdict(receive(client)) == "ok");
  CHECK(next(bench.parts.far).answers_taken_bytes == 4);

  const auto answered = [&](std::variant<SnapshotPart, SnapshotGone, SnapshotDamaged> result) {
    bench.parts.far.send({{{ask().reads.at(0).request, std::move(result)}}, {}, 0});
    return verdict(receive(client));
  };
  CHECK(answered(SnapshotGone{9}) == "snapshot_gone");
  CHECK(answered(SnapshotGone{}) == "snapshot_gone");
  CHECK(answered(SnapshotDamaged{}) == "damaged");
  bench.parts.far.send({{}, {ask().reads.at(0).request}, 0});
  CHECK(verdict(receive(client)) == "busy");
}
