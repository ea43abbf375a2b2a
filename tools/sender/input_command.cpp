#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "client/endpoints.h"
#include "client/interrupt.h"
#include "client/terminal.h"
#include "sender/commands.h"
#include "sender/input_line.h"
#include "sender/session.h"

namespace sender {
namespace {

using client::Clock;
using client::Json;
using client::Outcome;
using client::printable;
using std::chrono::milliseconds;

// Lines of a file, a pipe or a terminal, without waiting for one that is not there yet.
class LineReader {
 public:
  explicit LineReader(const std::string& file)
      : descriptor_(file == "-" ? STDIN_FILENO : open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) {
      throw client::UsageError(fmt::format("{}: {}", file, std::strerror(errno)));
    }
  }
  ~LineReader() {
    if (descriptor_ != STDIN_FILENO) close(descriptor_);
  }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  // No line will come any more.
  [[nodiscard]] bool ended() const { return ended_ && start_ >= buffer_.size(); }

  // The next line; nothing where none is there, for now or for good.
  std::optional<std::string> next() {
    while (true) {
      const std::size_t end = buffer_.find('\n', searched_);
      if (end != std::string::npos) return take(end, 1);
      searched_ = buffer_.size();
      if (ended_ && start_ < buffer_.size()) return take(buffer_.size(), 0);
      if (ended_ || !is_readable()) return std::nullopt;
      fill();
    }
  }

 private:
  const int descriptor_;
  std::string buffer_;
  std::size_t start_ = 0;     // of the next line
  std::size_t searched_ = 0;  // no end of line before this
  bool ended_ = false;

  std::string take(std::size_t end, std::size_t separator) {
    std::string line = buffer_.substr(start_, end - start_);
    start_ = searched_ = end + separator;
    return line;
  }

  [[nodiscard]] bool is_readable() const {
    pollfd item{descriptor_, POLLIN, 0};
    return ::poll(&item, 1, 0) > 0;
  }

  void fill() {
    buffer_.erase(0, start_);
    searched_ -= start_;
    start_ = 0;
    char bytes[65536];
    const ssize_t count = read(descriptor_, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) return;
    if (count < 0) throw client::UsageError(fmt::format("--input: {}", std::strerror(errno)));
    ended_ = count == 0;
    buffer_.append(bytes, static_cast<std::size_t>(count));
  }
};

struct Counts {
  std::uint64_t sent = 0;
  std::uint64_t done = 0;
  std::uint64_t not_there = 0;  // of those done
  std::uint64_t failed = 0;
  std::uint64_t wrong_lines = 0;
};

class InputRun {
 public:
  explicit InputRun(const Options& options)
      : options_(options), reader_(options.input), session_(options), start_(Clock::now()) {}

  int run() {
    bool interrupted = false;
    while (!interrupted && !(reader_.ended() && session_.client().in_flight() == 0)) {
      submit_lines();
      const bool reading = !reader_.ended() && session_.client().in_flight() < options_.in_flight;
      const int descriptors[] = {interrupt_.descriptor(), reader_.descriptor()};
      session_.client().turn(milliseconds(100), {descriptors, reading ? 2U : 1U});
      interrupted = interrupt_.came();
      if (progress_.is_due()) progress_.show(describe_progress());
    }
    progress_.clear();
    print_summary(interrupted);
    if (counts_.failed > 0 || interrupted) return kNoAnswer;
    if (counts_.wrong_lines > 0) return kUsage;
    return counts_.not_there > 0 ? kNotThere : kSuccess;
  }

 private:
  // Interrupt before Session: its threads must not take the signals.
  client::Interrupt interrupt_;
  const Options& options_;
  LineReader reader_;
  Session session_;
  client::ProgressLine progress_;
  const Clock::time_point start_;
  std::uint64_t line_number_ = 0;
  Counts counts_;

  void submit_lines() {
    while (session_.client().in_flight() < options_.in_flight) {
      const auto line = reader_.next();
      if (!line) break;
      submit_line(*line, ++line_number_);
    }
  }

  void submit_line(const std::string& line, std::uint64_t number) {
    auto parsed = parse_input_line(line);
    if (!parsed) {
      ++counts_.wrong_lines;
      if (options_.json) {
        print_json({{"line", number},
                    {"ok", false},
                    {"error", {{"code", "bad_line"}, {"message", parsed.error()}}}});
      }
      return report(number, parsed.error());
    }
    if (!*parsed) return;
    ++counts_.sent;
    InputRequest input = std::move(**parsed);
    session_.client().submit(std::move(input.request),
                             [this, number, key = std::move(input.read_key)](
                                 const Outcome& outcome) { on_outcome(number, key, outcome); });
  }

  void on_outcome(std::uint64_t number, const std::string& key, const Outcome& outcome) {
    if (options_.json) {
      Json json{{"line", number}};
      json.update(outcome_to_json(outcome));
      print_json(json);
    }
    if (!outcome.ok()) {
      ++counts_.failed;
      return report(number, describe_failure(outcome));
    }
    ++counts_.done;
    const client::Fields fields = outcome.reply->fields();
    const auto* found = fields.find("found");
    if (found != nullptr && !fields.is_true("found") && !outcome.resent) ++counts_.not_there;
    if (key.empty() || options_.json) return;
    if (const auto value = fields.bytes("value")) {
      print_line(fmt::format("{}\t{}", printable(key), printable(*value)));
    }
  }

  void report(std::uint64_t number, const std::string& what) {
    progress_.clear();
    fmt::print(stderr, "line {}: {}\n", number, what);
  }

  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }

  [[nodiscard]] std::string describe_progress() {
    return fmt::format("{} done, {} failed, {:.0f} a second, at {}", counts_.done, counts_.failed,
                       static_cast<double>(counts_.done) / seconds(),
                       session_.client().current_endpoint());
  }

  void print_summary(bool interrupted) {
    const std::uint64_t left = session_.client().in_flight();
    const double rate = static_cast<double>(counts_.done) / seconds();
    std::fflush(stdout);
    fmt::print(stderr, "{}{} requests in {:.2f} s ({:.0f} a second): {} done, {} failed",
               interrupted ? "interrupted: " : "", counts_.sent, seconds(), rate, counts_.done,
               counts_.failed);
    if (counts_.not_there > 0) fmt::print(stderr, ", {} keys not there", counts_.not_there);
    if (counts_.wrong_lines > 0) fmt::print(stderr, ", {} lines wrong", counts_.wrong_lines);
    if (left > 0) fmt::print(stderr, ", {} without an answer yet", left);
    fmt::print(stderr, "\n");
    if (!options_.json) return;
    print_json({{"summary",
                 {{"sent", counts_.sent},
                  {"done", counts_.done},
                  {"failed", counts_.failed},
                  {"not_there", counts_.not_there},
                  {"wrong_lines", counts_.wrong_lines},
                  {"without_answer", left},
                  {"seconds", seconds()},
                  {"requests_per_second", rate}}}});
  }
};

}  // namespace

int run_input(const Options& options) { return InputRun(options).run(); }

}  // namespace sender
