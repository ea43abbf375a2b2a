#include "inspector/options.h"

namespace inspector {
namespace {

constexpr const char* kFooter = R"(
Examples:
  raft-log info data/node1
  raft-log list data/node1 --last 20
  raft-log list data/node1 --from 1200 --to 1300 --json
  raft-log verify data/node1
  raft-log dump data/node1 1234

It reads and never writes, takes no lock, and works on the directory of a stopped node and beside a
running one: what it finds there while a write is under way is looked at again before it is said.
docs/log-format.md specifies what it reads, to the byte.

JSON: `list` and `verify` print one object a line, `info` and `dump` one. Bytes that are not UTF-8
appear as {"base64": "..."}, checksums and identities as 16 digits in hex.

Exit codes: 0 success, also with a torn tail, which a crash leaves; 1 damage, or `dump` finds no
such entry; 2 wrong usage; 3 it cannot be read: no such directory, no permission, another version of
the format.)";

CLI::App* add_command(CLI::App& app, Options& options, Command& command, const std::string& name,
                      const std::string& description, const std::string& examples,
                      Command function) {
  CLI::App* sub = app.add_subcommand(name, description);
  sub->fallthrough();  // --json may stand behind the command
  sub->footer("\nExamples:\n" + examples);
  sub->callback([&command, function] { command = function; });
  sub->add_option("directory", options.directory, "The data directory of a node")
      ->required()
      ->type_name("DATA_DIR");
  return sub;
}

}  // namespace

void declare_options(CLI::App& app, Options& options, Command& command) {
  app.set_version_flag("--version", "raft-log " RAFT_ACTOR_VERSION);
  app.footer(kFooter);
  app.require_subcommand(1);
  app.add_flag("--json", options.json, "Machine-readable lines");
  add_command(app, options, command, "info",
              "Whose directory it is, term and vote, segments, snapshots, members",
              "  raft-log info data/node1\n  raft-log info data/node1 --json", run_info);
  CLI::App* list = add_command(
      app, options, command, "list",
      "Print one line an entry: index, term, time of the log, kind, size, command\n"
      "Whether an entry is committed is not in the log: the last ones may never be.",
      "  raft-log list data/node1\n  raft-log list data/node1 --from 1200 --to 1300\n"
      "  raft-log list data/node1 --last 20 --values\n  raft-log list data/node1 --json | head",
      run_list);
  auto* from = list->add_option("--from", options.from, "Begin with the entry of this index")
                   ->type_name("INDEX");
  auto* to = list->add_option("--to", options.to, "End with the entry of this index")
                 ->type_name("INDEX")
                 ->default_str("");
  list->add_option("--last", options.last, "The last N entries alone")
      ->check(CLI::PositiveNumber)
      ->type_name("N")
      ->excludes(from)
      ->excludes(to);
  list->add_flag("--values", options.values,
                 "The values of set and publish, too: their beginning; with --json in full");
  add_command(
      app, options, command, "verify",
      "Check every checksum, and that all of it goes together\n"
      "One line for whatever is wrong, with file and offset. A torn tail is a write that was "
      "interrupted, as a crash leaves it: the node cuts it at its next start. Damage to the very "
      "last "
      "write looks the same. Damage is what no crash leaves, and what keeps a node from starting. "
      "Not looked into: database/.",
      "  raft-log verify data/node1\n  raft-log verify data/node1 --json", run_verify);
  CLI::App* dump = add_command(
      app, options, command, "dump",
      "Show one entry: where it stands, its header field by field, its bytes\n"
      "An entry that does not check is shown as it stands.",
      "  raft-log dump data/node1 1234\n  raft-log dump data/node1 1234 --raw | msgpack2json",
      run_dump);
  dump->add_option("index", options.index, "The index of the entry")
      ->required()
      ->check(CLI::PositiveNumber)
      ->type_name("INDEX");
  dump->add_flag("--raw", options.raw, "The bytes of the payload alone, as they are");
}

}  // namespace inspector
