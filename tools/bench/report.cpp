#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace bench {
namespace {

using client::Json;

constexpr double kMebibyte = 1024.0 * 1024.0;

const char* name_of(Mode mode) {
  switch (mode) {
    case Mode::kWrite:
      return "write";
    case Mode::kRead:
      return "read";
    case Mode::kMixed:
      return "mixed";
    case Mode::kFailover:
      return "failover";
    case Mode::kSweep:
      return "sweep";
  }
  return "";
}

const char* name_of(Distribution distribution) {
  switch (distribution) {
    case Distribution::kUniform:
      return "uniform";
    case Distribution::kZipf:
      return "zipf";
    case Distribution::kSequential:
      return "sequential";
  }
  return "";
}

double milliseconds_at(const Histogram& latencies, double quantile) {
  return static_cast<double>(latencies.at(quantile)) / kNanosecondsInMillisecond;
}

Json latency_json(const Histogram& latencies) {
  return {{"p50", milliseconds_at(latencies, 0.5)},
          {"p90", milliseconds_at(latencies, 0.9)},
          {"p99", milliseconds_at(latencies, 0.99)},
          {"p999", milliseconds_at(latencies, 0.999)},
          {"max", static_cast<double>(latencies.max()) / kNanosecondsInMillisecond}};
}

void print_latency(const char* what, const Histogram& latencies) {
  fmt::print("{} in ms: 50 % {:.3f}, 90 % {:.3f}, 99 % {:.3f}, 99.9 % {:.3f}, max {:.3f}\n", what,
             milliseconds_at(latencies, 0.5), milliseconds_at(latencies, 0.9),
             milliseconds_at(latencies, 0.99), milliseconds_at(latencies, 0.999),
             static_cast<double>(latencies.max()) / kNanosecondsInMillisecond);
}

const char* nodes_seen(const Options& options, const Measurement& measurement) {
  if (measurement.nodes.empty()) return "none on this machine";
  return options.start > 0 ? "started for this run" : "every raft-actor on this machine";
}

Json nodes_json(const Measurement& measurement) {
  Json nodes = Json::array();
  for (const NodeUsage& node : measurement.nodes) {
    nodes.push_back({{"pid", node.process},
                     {"cpu_seconds", node.cpu_seconds},
                     {"rss_bytes", node.at_end.rss_bytes},
                     {"peak_rss_bytes", node.at_end.peak_bytes}});
  }
  return nodes;
}

std::string describe_load(const Options& options) {
  const std::string work = options.read_share > 0 && options.read_share < 1
                               ? fmt::format(", {:g} % of them reads", 100 * options.read_share)
                               : "";
  if (options.rate > 0) {
    return fmt::format("{} clients, {:g} requests a second asked for, at most {} in flight{}",
                       options.clients, options.rate, options.in_flight, work);
  }
  return fmt::format("{} clients, {} in flight in all{}", options.clients, options.in_flight, work);
}

void print_nodes(const Options& options, const Measurement& measurement) {
  fmt::print("nodes ({}):\n", nodes_seen(options, measurement));
  for (const NodeUsage& node : measurement.nodes) {
    fmt::print("  pid {}: {:.0f} % of a core, {:.0f} MiB now, {:.0f} MiB at most\n", node.process,
               100 * node.cpu_seconds / measurement.seconds,
               static_cast<double>(node.at_end.rss_bytes) / kMebibyte,
               static_cast<double>(node.at_end.peak_bytes) / kMebibyte);
  }
  if (!measurement.nodes.empty()) {
    fmt::print("  together {:.1f} us of CPU a request\n", cpu_microseconds(measurement));
  }
}

void print_broadcasts(const Options& options, const Measurement& measurement) {
  if (!measurement.broadcasts) return;
  fmt::print("broadcasts: {} to {} subscribers, {} missing, {} out of order\n",
             measurement.broadcasts->received, options.subscribers, measurement.broadcasts->missing,
             measurement.broadcasts->out_of_order);
}

double as_milliseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / kNanosecondsInMillisecond;
}

}  // namespace

double rate_of(const Measurement& measurement) {
  return static_cast<double>(measurement.tally.answered) / measurement.seconds;
}

double cpu_microseconds(const Measurement& measurement) {
  double seconds = 0;
  for (const NodeUsage& node : measurement.nodes) seconds += node.cpu_seconds;
  return measurement.tally.answered == 0
             ? 0
             : 1e6 * seconds / static_cast<double>(measurement.tally.answered);
}

std::uint64_t count_errors(const Measurement& measurement) {
  std::uint64_t count = 0;
  for (const auto& [code, times] : measurement.tally.errors) count += times;
  return count;
}

void print_elections(const Measurement& measurement) {
  if (measurement.elections.value_or(0) == 0) return;
  fmt::print("elections meanwhile: {}\n", *measurement.elections);
}

Json to_json(const Options& options, const Measurement& measurement) {
  Json errors_by_code = Json::object();
  for (const auto& [code, times] : measurement.tally.errors) errors_by_code[code] = times;
  Json json{{"mode", name_of(options.mode)},
            {"requests_per_second", rate_of(measurement)},
            {"latency_ms", latency_json(measurement.latencies)},
            {"errors", count_errors(measurement)},
            {"errors_by_code", errors_by_code},
            {"requests", measurement.tally.answered},
            {"not_found", measurement.tally.not_found},
            {"retries", measurement.tally.retries},
            {"seconds", measurement.seconds},
            {"clients", options.clients},
            {"in_flight", options.in_flight},
            {"value_bytes", options.value_bytes},
            {"keys", options.keys},
            {"distribution", name_of(options.distribution)},
            {"read_share", options.read_share},
            {"nodes_seen", nodes_seen(options, measurement)},
            {"nodes", nodes_json(measurement)},
            {"bench_cpu_seconds", measurement.own_cpu_seconds},
            {"elections", measurement.elections ? Json(*measurement.elections) : Json()}};
  if (options.rate > 0) {
    json["rate"] = options.rate;
    json["unanswered"] = measurement.tally.unanswered;
  }
  if (options.read_share > 0 && options.read_share < 1) {
    json["read_latency_ms"] = latency_json(measurement.tally.reads);
    json["write_latency_ms"] = latency_json(measurement.tally.writes);
  }
  if (measurement.broadcasts) {
    json["subscribers"] = options.subscribers;
    json["broadcasts_received"] = measurement.broadcasts->received;
    json["broadcasts_missing"] = measurement.broadcasts->missing;
    json["broadcasts_out_of_order"] = measurement.broadcasts->out_of_order;
  }
  if (options.profile) json["profile"] = profile_json(measurement.profile);
  return json;
}

void print_report(const Options& options, const Measurement& measurement) {
  if (options.json) return fmt::print("{}\n", to_json(options, measurement).dump());
  const Tally& tally = measurement.tally;
  fmt::print("{}{}: {:.0f} requests a second, over {:.1f} s\n", name_of(options.mode),
             options.mode == Mode::kMixed ? "" : "s", rate_of(measurement), measurement.seconds);
  fmt::print("        {}, values of {} bytes, {} {} keys\n", describe_load(options),
             options.value_bytes, options.keys, name_of(options.distribution));
  print_latency(options.rate > 0 ? "latency since due" : "latency", measurement.latencies);
  if (options.mode == Mode::kMixed) {
    print_latency("  reads", tally.reads);
    print_latency("  writes", tally.writes);
  }
  fmt::print("errors: {}\n", count_errors(measurement));
  for (const auto& [code, times] : tally.errors) fmt::print("  {}: {}\n", code, times);
  if (tally.unanswered > 0) {
    fmt::print(
        "due and not answered: {}; the load is more than the nodes bear, or than --in-flight "
        "lets through\n",
        tally.unanswered);
  }
  if (options.retry) fmt::print("requests sent again: {}\n", tally.retries);
  if (tally.not_found > 0) fmt::print("keys not there: {}\n", tally.not_found);
  print_broadcasts(options, measurement);
  print_elections(measurement);
  print_nodes(options, measurement);
  fmt::print("raft-bench itself: {:.0f} % of a core\n",
             100 * measurement.own_cpu_seconds / measurement.seconds);
  print_profile(measurement.profile, tally.answered);
}

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

}  // namespace bench
