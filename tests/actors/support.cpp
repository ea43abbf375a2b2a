#include "support.h"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

namespace actors_test {

settings::RuntimeMode each_runtime() {
  return GENERATE(settings::RuntimeMode::kThreaded, settings::RuntimeMode::kAsync);
}

settings::Settings sample_settings(const std::string& more) {
  std::string text = "[node]\nid = 1\ncluster = \"test\"\ndata_directory = \"unused\"\n";
  for (int id = 1; id <= 3; ++id) {
    text += fmt::format(
        "[[member]]\nid = {0}\npeer = \"tcp://127.0.0.1:310{0}\"\n"
        "client = \"tcp://127.0.0.1:410{0}\"\npublish = \"tcp://127.0.0.1:510{0}\"\n",
        id);
  }
  return settings::parse(text + more, "sample.toml");
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "actors-test-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() { std::filesystem::remove_all(path_); }

std::unique_ptr<actors::Logging> quiet_logging() {
  return std::make_unique<actors::Logging>(1, settings::LogLevel::kDebug,
                                           std::make_shared<spdlog::sinks::null_sink_mt>(), false);
}

HeardLog::HeardLog()
    : logging(std::make_unique<actors::Logging>(
          1, settings::LogLevel::kDebug, std::make_shared<spdlog::sinks::ostream_sink_mt>(out_),
          false)) {}

std::string HeardLog::text() {
  logging.reset();
  return out_.str();
}

Bound bound(zmq::context_t& context, zmq::socket_type type,
            const std::function<void(zmq::socket_t&)>& set_options) {
  zmq::socket_t socket(context, type);
  socket.set(zmq::sockopt::linger, 0);
  if (set_options) set_options(socket);
  socket.bind("tcp://127.0.0.1:*");
  std::string endpoint = socket.get(zmq::sockopt::last_endpoint);
  return {std::move(socket), std::move(endpoint)};
}

RunningActors::RunningActors(zmq::context_t& inside, settings::RuntimeMode mode,
                             std::vector<actors::Actor*> actors)
    : left_(std::move(actors)),
      never_readable_(eventfd(0, EFD_CLOEXEC)),
      runtime_(inside, mode, left_) {
  runtime_.start();
}

RunningActors::~RunningActors() {
  stop();
  close(never_readable_);
}

actors::ActorEnded RunningActors::wait_for_end() {
  auto ended = runtime_.wait(never_readable_);
  std::erase(left_, ended->actor);
  return *ended;
}

void RunningActors::stop() {
  while (!left_.empty()) {
    runtime_.stop(left_.front());
    static_cast<void>(wait_for_end());
  }
}

}  // namespace actors_test
