#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/json.h"

namespace bench {
namespace {

using client::Json;

constexpr double kNanosecondsInMillisecond = 1e6;
constexpr double kMebibyte = 1024.0 * 1024.0;

double milliseconds_at(const Measurement& measurement, double quantile) {
  return static_cast<double>(measurement.tally.latencies.at(quantile)) / kNanosecondsInMillisecond;
}

double max_milliseconds(const Measurement& measurement) {
  return static_cast<double>(measurement.tally.latencies.max()) / kNanosecondsInMillisecond;
}

double rate(const Measurement& measurement) {
  return static_cast<double>(measurement.tally.latencies.count()) / measurement.seconds;
}

std::uint64_t count_errors(const Measurement& measurement) {
  std::uint64_t count = 0;
  for (const auto& [code, times] : measurement.tally.errors) count += times;
  return count;
}

const char* nodes_seen(const Options& options, const Measurement& measurement) {
  if (measurement.nodes.empty()) return "none on this machine";
  return options.start > 0 ? "started for this run" : "every raft-actor on this machine";
}

void print_json(const Options& options, const Measurement& measurement) {
  Json nodes = Json::array();
  for (const NodeUsage& node : measurement.nodes) {
    nodes.push_back({{"pid", node.process},
                     {"cpu_seconds", node.cpu_seconds},
                     {"rss_bytes", node.at_end.rss_bytes},
                     {"peak_rss_bytes", node.at_end.peak_bytes}});
  }
  Json errors_by_code = Json::object();
  for (const auto& [code, times] : measurement.tally.errors) errors_by_code[code] = times;
  const Json json{{"mode", options.mode == Mode::kWrite ? "write" : "read"},
                  {"requests_per_second", rate(measurement)},
                  {"latency_ms",
                   {{"p50", milliseconds_at(measurement, 0.5)},
                    {"p90", milliseconds_at(measurement, 0.9)},
                    {"p99", milliseconds_at(measurement, 0.99)},
                    {"p999", milliseconds_at(measurement, 0.999)},
                    {"max", max_milliseconds(measurement)}}},
                  {"errors", count_errors(measurement)},
                  {"errors_by_code", errors_by_code},
                  {"requests", measurement.tally.latencies.count()},
                  {"not_found", measurement.tally.not_found},
                  {"retries", measurement.tally.retries},
                  {"seconds", measurement.seconds},
                  {"clients", options.clients},
                  {"in_flight", options.in_flight},
                  {"value_bytes", options.value_bytes},
                  {"nodes_seen", nodes_seen(options, measurement)},
                  {"nodes", nodes},
                  {"bench_cpu_seconds", measurement.own_cpu_seconds}};
  fmt::print("{}\n", json.dump());
}

double as_milliseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / kNanosecondsInMillisecond;
}

}  // namespace

void print_failovers(const Options& options, std::vector<std::chrono::nanoseconds> outages) {
  Json all = Json::array();
  for (const auto outage : outages) all.push_back(as_milliseconds(outage));
  std::sort(outages.begin(), outages.end());
  const double median = (as_milliseconds(outages[(outages.size() - 1) / 2]) +
                         as_milliseconds(outages[outages.size() / 2])) /
                        2;
  const double longest = as_milliseconds(outages.back());
  if (options.json) {
    const Json json{{"mode", "failover"},
                    {"kills", outages.size()},
                    {"median_ms", median},
                    {"max_ms", longest},
                    {"all_ms", all},
                    {"clients", options.clients},
                    {"in_flight", options.in_flight},
                    {"value_bytes", options.value_bytes}};
    return fmt::print("{}\n", json.dump());
  }
  fmt::print("from the kill of the leader to the next acknowledged write, {} times, in ms:\n",
             outages.size());
  fmt::print("  shortest {:.0f}, median {:.0f}, longest {:.0f}\n", as_milliseconds(outages.front()),
             median, longest);
}

void print_report(const Options& options, const Measurement& measurement) {
  if (options.json) return print_json(options, measurement);
  fmt::print("{}s: {:.0f} requests a second, over {:.1f} s\n",
             options.mode == Mode::kWrite ? "write" : "read", rate(measurement),
             measurement.seconds);
  fmt::print("        {} clients, {} in flight in all, values of {} bytes\n", options.clients,
             options.in_flight, options.value_bytes);
  fmt::print("latency in ms: 50 % {:.3f}, 90 % {:.3f}, 99 % {:.3f}, 99.9 % {:.3f}, max {:.3f}\n",
             milliseconds_at(measurement, 0.5), milliseconds_at(measurement, 0.9),
             milliseconds_at(measurement, 0.99), milliseconds_at(measurement, 0.999),
             max_milliseconds(measurement));
  fmt::print("errors: {}\n", count_errors(measurement));
  for (const auto& [code, times] : measurement.tally.errors) fmt::print("  {}: {}\n", code, times);
  if (options.retry) fmt::print("requests sent again: {}\n", measurement.tally.retries);
  if (measurement.tally.not_found > 0) {
    fmt::print("keys not there: {}\n", measurement.tally.not_found);
  }
  fmt::print("nodes ({}):\n", nodes_seen(options, measurement));
  for (const NodeUsage& node : measurement.nodes) {
    fmt::print("  pid {}: {:.0f} % of a core, {:.0f} MiB now, {:.0f} MiB at most\n", node.process,
               100 * node.cpu_seconds / measurement.seconds,
               static_cast<double>(node.at_end.rss_bytes) / kMebibyte,
               static_cast<double>(node.at_end.peak_bytes) / kMebibyte);
  }
  fmt::print("raft-bench itself: {:.0f} % of a core\n",
             100 * measurement.own_cpu_seconds / measurement.seconds);
}

}  // namespace bench
