#include "actors/command_line.h"

#include "actors/release.h"

namespace actors {
namespace {

constexpr const char* kFooter = R"(
Examples:
  raft-actor node2.toml                       run node 2
  raft-actor --runtime threaded node2.toml    a thread for each actor
  raft-actor --check-config my/node.toml      check the settings
  raft-actor ./backup                         a file that is named as a command is

Ctrl-C or SIGTERM stops the node in order, a second one at once.
Exit codes: 0 stopped in order, or done; 1 an error; 2 wrong usage, or not confirmed.)";

constexpr const char* kConfig =
    "Settings of the node. A bare file name that is not in the current folder is looked for in the "
    "folders of RAFT_ACTOR_CONFIG_PATH";

CLI::App* add_command(CLI::App& app, CommandLine& line, const std::string& name,
                      CommandLine::Command command, const std::string& description,
                      const std::string& example) {
  CLI::App* sub = app.add_subcommand(name, description);
  sub->fallthrough();  // --data-dir and its like may stand behind the command
  sub->footer("\nExample:\n  " + example);
  sub->callback([&app, &line, command] {
    if (app.get_option("CONFIG")->count() > 0) {
      throw CLI::ValidationError("CONFIG", "name it once, behind the command");
    }
    line.command = command;
  });
  return sub;
}

void describe_backup(CLI::App& app, CommandLine& line) {
  CLI::App* backup = add_command(
      app, line, "backup", CommandLine::Command::kBackUp,
      "Copy what a stopped node has applied into a file; `zmq-send backup` does it with a running "
      "one",
      "raft-actor backup node2.toml monday.backup");
  backup->add_option("CONFIG", line.config, kConfig)->required();
  backup->add_option("FILE", line.file, "Where to write it; it appears once it is whole")
      ->required();
  backup->add_flag("--force", line.force, "Replace the file if it is there");
}

void describe_restore(CLI::App& app, CommandLine& line) {
  CLI::App* restore = add_command(
      app, line, "restore", CommandLine::Command::kRestore,
      "Begin a new cluster, of this node alone, with what a backup holds; others then join it",
      "raft-actor restore monday.backup node2.toml --new-cluster");
  restore->add_option("FILE", line.file, "The backup")->required();
  restore->add_option("CONFIG", line.config, kConfig)->required();
  restore->add_flag("--new-cluster", line.new_cluster,
                    "Needed: nothing is brought back into an old cluster, whose nodes the new one "
                    "will not know");
}

void describe_recover(CLI::App& app, CommandLine& line) {
  CLI::App* recover = add_command(
      app, line, "recover", CommandLine::Command::kRecover,
      "When the disks of a majority are gone for good: begin a new cluster, of this node alone, "
      "with all that its directory holds\n"
      "It says what is given up and asks. The old directory is kept as DIR.before-recovery.",
      "raft-actor recover node2.toml --members /mnt/node4/data");
  recover->add_option("CONFIG", line.config, kConfig)->required();
  recover
      ->add_option("--members", line.members,
                   "Data directories of other nodes that are left: one that knows more is to be "
                   "recovered instead")
      ->type_name("DIR");
  recover->add_flag("--yes", line.yes, "Do not ask");
}

}  // namespace

void describe(CLI::App& app, CommandLine& line) {
  app.set_version_flag("--version", std::string("raft-actor ") + release());
  app.require_subcommand(0, 1);
  CLI::Option* config = app.add_option("CONFIG", line.config, kConfig);
  app.add_flag("--check-config", line.check_config,
               "Say whether CONFIG is in order, and do nothing else");
  app.add_option(
         "--runtime", line.runtime,
         "async: a thread for all actors but those that wait for the disk; threaded: one for each")
      ->check(CLI::IsMember({"threaded", "async"}));
  app.add_option("--log-level", line.log_level, "What to log")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_option("--data-dir", line.data_directory, "Where the node keeps its data");
  app.add_flag("--profile", line.profile,
               "Measure what each actor does with its time, for `debug` and raft-bench --profile; "
               "costs a little of it");
  app.footer(kFooter);
  describe_backup(app, line);
  describe_restore(app, line);
  describe_recover(app, line);
  app.final_callback([&app, config] {
    if (app.get_subcommands().empty() && config->count() == 0) {
      throw CLI::RequiredError("CONFIG");
    }
  });
}

}  // namespace actors
