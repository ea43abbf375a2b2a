#include "inspector/findings_output.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/terminal.h"

namespace inspector {

std::string finding_text(const Finding& finding, bool colour) {
  const int code = finding.weight == Weight::kDamage     ? 31
                   : finding.weight == Weight::kTornTail ? 33
                                                         : 2;
  const char* name = weight_name(finding.weight);
  return fmt::format("{}: {}, offset {}: {}",
                     colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, name) : std::string(name),
                     finding.file.string(), finding.offset, finding.what);
}

client::Json finding_json(const Finding& finding) {
  return {{"finding", weight_name(finding.weight)},
          {"file", client::bytes_to_json(finding.file.string())},
          {"offset", finding.offset},
          {"what", finding.what}};
}

void print_findings(std::FILE* to, const Findings& findings, bool json) {
  const bool colour = client::is_terminal(fileno(to));
  for (const Finding& each : findings) {
    fmt::print(to, "{}\n", json ? finding_json(each).dump() : finding_text(each, colour));
  }
}

bool damaged(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const auto& each) { return each.weight == Weight::kDamage; });
}

}  // namespace inspector
