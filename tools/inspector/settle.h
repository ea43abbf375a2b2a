// What is found beside a running node may be a moment in between: a write under way, a file that
// goes. What is wrong stays wrong, so only what two passes in a row find is believed.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "inspector/finding.h"

namespace inspector {

inline constexpr int kMostPasses = 8;
inline constexpr int kMostRestarts = 100;
inline constexpr std::chrono::milliseconds kPassPause{20};

[[nodiscard]] inline bool contains(const Findings& findings, const Finding& finding) {
  return std::find(findings.begin(), findings.end(), finding) != findings.end();
}

// `pass(before)` reads all anew and returns something with `findings`; `before` are those of the
// pass before. Where every pass finds something else, what the last two have in common is kept.
template <typename Pass>
auto settle(Pass pass) -> decltype(pass(std::declval<const Findings&>())) {
  Findings before;
  int restarts = 0;
  for (int passes = 0;;) {
    try {
      auto found = pass(std::as_const(before));
      ++passes;
      if (found.findings.empty() || found.findings == before) return found;
      if (passes == kMostPasses) {
        std::erase_if(found.findings, [&](const auto& each) { return !contains(before, each); });
        return found;
      }
      before = std::move(found.findings);
    } catch (const MovedOn& gone) {
      if (++restarts == kMostRestarts) {
        throw Unreadable(std::string(gone.what()) +
                         ", as often as it was tried: stop the node, and try again");
      }
    }
    std::this_thread::sleep_for(kPassPause);
  }
}

}  // namespace inspector
