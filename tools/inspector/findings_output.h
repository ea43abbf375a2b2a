// Findings as lines.
#pragma once

#include <cstdio>
#include <string>

#include "client/json.h"
#include "inspector/finding.h"

namespace inspector {

[[nodiscard]] std::string finding_text(const Finding& finding, bool colour);
[[nodiscard]] client::Json finding_json(const Finding& finding);

// One line each; where they are not what was asked for, on stderr.
void print_findings(std::FILE* to, const Findings& findings, bool json);

// Whether there is damage among them.
[[nodiscard]] bool damaged(const Findings& findings);

}  // namespace inspector
