// raft-log list.
#include <fmt/format.h>

#include "inspector/data_directory.h"
#include "inspector/describe.h"
#include "inspector/findings_output.h"
#include "inspector/log_walk.h"
#include "inspector/options.h"
#include "inspector/settle.h"

namespace inspector {
namespace {

struct Found {
  Findings findings;
};

// Prints as it reads. At something that the pass before did not find, it prints no further: it may
// be a moment of a running node, and the next pass goes on where this one ended.
class Listing {
 public:
  explicit Listing(const Options& options) : options_(options), from_(options.from) {}

  int run() {
    if (options_.last > 0) from_ = first_of_last();
    const Found found = settle([this](const Findings& before) { return pass(before); });
    std::fflush(stdout);
    print_findings(stderr, found.findings, false);
    return damaged(found.findings) ? kFound : kSuccess;
  }

 private:
  Found pass(const Findings& before) {
    Found found;
    bool sure = true;
    resumed_ = false;
    const auto add = [&](const Finding& finding) {
      found.findings.push_back(finding);
      sure = sure && contains(before, finding);
    };
    Findings of_directory;
    const Directory directory = open_directory(options_.directory, of_directory);
    for (const Finding& each : of_directory) found.findings.push_back(each);
    if (directory.unfinished) return found;
    WalkOptions walk;
    walk.owner = directory.owner;
    walk.from = printed_.index > 0 ? printed_.index : from_;
    walk.to = options_.to;
    walk.on_entry = [&](const Record& record, const Path&) {
      if (sure) take(record);
    };
    walk.on_finding = add;
    static_cast<void>(LogWalk(directory.log_path(), walk).run());
    return found;
  }

  void take(const Record& record) {
    const raft::Index index = record.header.index;
    if (index == printed_.index && record.header.checksum != printed_.checksum) {
      fmt::print(stderr,
                 "raft-log: the log was written anew while it was read: entry {} and more "
                 "of those above are not what is there now\n",
                 index);
    }
    if (printed_.index > 0 && !resumed_ && index > printed_.index + 1) {
      fmt::print(stderr, "raft-log: entries {} to {} were trimmed while it was read\n",
                 printed_.index + 1, index - 1);
    }
    resumed_ = true;
    if (index < from_ || index > options_.to || index <= printed_.index) return;
    printed_ = record.header.position();
    if (options_.json) {
      fmt::print("{}\n", entry_json(record, options_.values).dump());
    } else {
      fmt::print("{}\n", entry_text(record, options_.values));
    }
  }

  // Of the last options_.last entries; only the last segment need be read to find out.
  [[nodiscard]] raft::Index first_of_last() const {
    struct End {
      Findings findings;  // none: whatever is wrong is found while the entries are printed
      raft::Index last = 0;
    };
    const End end = settle([this](const Findings&) {
      Findings ignored;
      const Directory directory = open_directory(options_.directory, ignored);
      WalkOptions walk;
      walk.owner = directory.owner;
      walk.from = UINT64_MAX;
      return End{{}, LogWalk(directory.log_path(), walk).run().last.index};
    });
    return end.last > options_.last ? end.last - options_.last + 1 : 0;
  }

  const Options& options_;
  raft::Index from_;
  bool resumed_ = false;       // an entry has been seen in this pass
  raft::LogPosition printed_;  // the last entry that was printed; index 0: none
};

}  // namespace

int run_list(const Options& options) { return Listing(options).run(); }

}  // namespace inspector
