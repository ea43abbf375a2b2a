// The fixed run of the instruction count guard: writes through the client codec, the core, the peer
// codec and the log of three nodes, in one thread, on disks in memory. The same instructions each
// time; instructions.py counts those within counted_run().
#include <fmt/format.h>

#include <cstdio>

#include "base/check.h"
#include "codec/client_codec.h"
#include "database/command.h"
#include "memory_files.h"
#include "requests.h"
#include "trio.h"

namespace {

constexpr codec::ClientLimits kLimits{.max_request_bytes = 1 << 20, .max_key_bytes = 240};
constexpr std::size_t kLoneWrites = 200;
constexpr std::size_t kBatches = 60;
constexpr std::size_t kBatch = 64;

// From the frame of a client to the command in the log.
base::SharedBytes command_of(const std::string& frame) {
  const auto parsed = codec::parse_request(frame, kLimits);
  const auto& set = std::get<codec::SetRequest>(std::get<codec::Request>(parsed).body);
  return database::encode_command(database::SetCommand{set.key, set.value});
}

void write(benchmarks::Trio& trio, const std::vector<std::string>& frames) {
  std::vector<base::SharedBytes> commands;
  for (const std::string& frame : frames) commands.push_back(command_of(frame));
  const std::size_t count = trio.commit(std::move(commands));
  CHECK(count == frames.size(), "{} of {} writes were committed", count, frames.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto reply = codec::encode_reply("\x01", codec::SetReply{i + 1, 1}, std::nullopt);
    CHECK(!reply.empty(), "a reply has no bytes");
  }
}

}  // namespace

// By this name, and not inlined, valgrind finds it.
extern "C" [[gnu::noinline]] void counted_run(benchmarks::Trio& trio) {
  benchmarks::Requests requests(256);
  for (std::size_t i = 0; i < kLoneWrites; ++i) write(trio, requests.next(1));
  for (std::size_t i = 0; i < kBatches; ++i) write(trio, requests.next(kBatch));
}

int main() {
  benchmarks::MemoryFiles files;
  benchmarks::Trio trio(files, "/data");
  counted_run(trio);
  fmt::print("{} entries are committed\n", trio.committed());
  return 0;
}
