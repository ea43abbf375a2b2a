#include "bench/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "bench/plot.h"
#include "bench/run.h"

namespace bench {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

Options options_of_step(Options options, std::uint64_t value) {
  switch (options.over) {
    case Over::kInFlight:
      options.in_flight = value;
      options.clients = std::min(options.clients, options.in_flight);
      options.threads = std::min(options.threads, options.clients);
      break;
    case Over::kRate:
      options.rate = static_cast<double>(value);
      break;
    case Over::kValueBytes:
      options.value_bytes = value;
      break;
    case Over::kKeys:
      options.keys = value;
      break;
  }
  return options;
}

const char* name_of(Over over) {
  switch (over) {
    case Over::kInFlight:
      return "in flight";
    case Over::kRate:
      return "asked/s";
    case Over::kValueBytes:
      return "value bytes";
    case Over::kKeys:
      return "keys";
  }
  return "";
}

// Keys that are there cost more than keys that are not: with their number, they are all there.
bool needs_keys(const Options& options, std::size_t step) {
  if (options.over == Over::kKeys) return true;
  if (options.over == Over::kValueBytes && options.read_share > 0) return true;
  return options.read_share > 0 && step == 0;
}

void print_head(const Options& options) {
  fmt::print("{:>12} {:>12} {:>9} {:>9} {:>9} {:>9} {:>8} {:>8}\n", name_of(options.over),
             "requests/s", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "CPU us", "errors");
}

void print_step(const SweepStep& step) {
  const Measurement& measured = step.measurement;
  const auto at = [&](double quantile) {
    return static_cast<double>(measured.latencies.at(quantile)) / kNanosecondsInMillisecond;
  };
  fmt::print("{:>12} {:>12.0f} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f} {:>8.1f} {:>8}\n", step.value,
             rate_of(measured), at(0.5), at(0.99), at(0.999), at(1), cpu_microseconds(measured),
             count_errors(measured) + measured.tally.unanswered);
  print_elections(measured);
  std::fflush(stdout);
}

Plot plot_latency(const Options& options, const std::vector<SweepStep>& steps) {
  Plot plot;
  plot.title = fmt::format("Latency against load, values of {} bytes", options.value_bytes);
  plot.x_label = options.over == Over::kInFlight
                     ? fmt::format("requests answered a second, {} to {} in flight",
                                   steps.front().value, steps.back().value)
                     : "requests answered a second, open loop";
  plot.y_label = "milliseconds";
  plot.logarithmic_y = true;
  for (const auto& [name, quantile] :
       {std::pair{"50 %", 0.5}, std::pair{"99 %", 0.99}, std::pair{"99.9 %", 0.999}}) {
    Line line{name, {}};
    for (const SweepStep& step : steps) {
      line.points.push_back(
          {rate_of(step.measurement), static_cast<double>(step.measurement.latencies.at(quantile)) /
                                          kNanosecondsInMillisecond});
    }
    plot.lines.push_back(std::move(line));
  }
  return plot;
}

Plot plot_throughput(const Options& options, const std::vector<SweepStep>& steps) {
  const bool bytes = options.over == Over::kValueBytes;
  Plot plot;
  plot.title =
      bytes ? "Throughput against the size of a value" : "Throughput against the number of keys";
  plot.x_label = name_of(options.over);
  plot.y_label = bytes ? "MiB of values a second" : "requests a second";
  plot.logarithmic_x = true;
  Line line{fmt::format("{} in flight", options.in_flight), {}};
  for (const SweepStep& step : steps) {
    const double rate = rate_of(step.measurement);
    const double value = static_cast<double>(step.value);
    line.points.push_back({value, bytes ? rate * value / kMebibyte : rate});
  }
  plot.lines.push_back(std::move(line));
  return plot;
}

}  // namespace

std::vector<SweepStep> run_sweep(const Options& options, Target& target,
                                 client::ProgressLine& progress) {
  std::vector<SweepStep> steps;
  if (!options.json) print_head(options);
  for (const std::uint64_t value : options.steps) {
    const Options chosen = options_of_step(options, value);
    if (needs_keys(chosen, steps.size())) fill_keys(chosen, target, progress);
    steps.push_back({value, measure(chosen, target, progress)});
    if (!options.json) print_step(steps.back());
  }
  return steps;
}

void finish_sweep(const Options& options, const std::vector<SweepStep>& steps) {
  const bool latency = options.over == Over::kInFlight || options.over == Over::kRate;
  std::ofstream file(options.svg);
  file << to_svg(latency ? plot_latency(options, steps) : plot_throughput(options, steps));
  file.close();
  if (!file) throw std::runtime_error(fmt::format("{}: cannot be written", options.svg));
  if (!options.json) return fmt::print("plot: {}\n", options.svg);
  client::Json all = client::Json::array();
  for (const SweepStep& step : steps) {
    all.push_back(to_json(options_of_step(options, step.value), step.measurement));
  }
  fmt::print("{}\n", client::Json{{"mode", "sweep"}, {"svg", options.svg}, {"steps", all}}.dump());
}

}  // namespace bench
