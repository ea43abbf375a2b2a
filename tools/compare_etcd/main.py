"""The command line of tools/compare-etcd."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile

from compare_etcd import etcd, report
from compare_etcd.comparison import WORKS, Comparison
from compare_etcd.floor import MODES, Floor, prepare
from compare_etcd.machine import Trouble, filesystem_of
from compare_etcd.ours import Ours
from compare_etcd.table import Table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The one that a node takes where nothing is said: what it reaches gives the exit code.
DEFAULT_RUNTIME = "async"

EPILOG = """\
Installs etcd, and what the load generator for it is built with, where it is missing; builds
raft-actor and raft-bench in the folder of the environment variable RAFT_ACTOR_BUILD, by default
build/. Then etcd and raft-actor do the same work in turns, three nodes each, all on this machine,
durable, at the leader, for as many clients, from empty folders on the same disk; only one of them
runs at a time. A figure is the median over the rounds. Takes about 15 minutes without options.
Nothing else should run meanwhile. The processor time of a load generator is that of one request.

Examples:
  tools/compare-etcd
  tools/compare-etcd --quick --runtime threaded
  tools/compare-etcd --work writes --floor path/to/floor.cpp --rounds 3
  tools/compare-etcd --json > comparison.json

Exit codes: 0 every row is reached with the default runtime, or with the one chosen; 1 one is not,
or it could not be measured (then stderr says why, and there is no table); 2 wrong usage; 130
interrupted."""


def positive(kind):
    def parse(text):
        value = kind(text)
        if not 0 < value < 1_000_000:
            raise ValueError
        return value
    parse.__name__ = "positive number"
    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="tools/compare-etcd", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Compares raft-actor with etcd on this machine, and both with what is wanted.",
        epilog=EPILOG)
    parser.add_argument("--work", dest="works", action="append", choices=WORKS,
                        help="only this (repeatable); by default all")
    parser.add_argument("--runtime", choices=(*MODES, "both"), default="both",
                        help="how the nodes of raft-actor run (default: both)")
    parser.add_argument("--seconds", type=positive(float), help="of one measurement (default: 4)")
    parser.add_argument("--rounds", type=positive(int), help="turns of each (default: 2)")
    parser.add_argument("--kills", type=positive(int), help="of leaders (default: 20)")
    parser.add_argument("--quick", action="store_true",
                        help="a first look: one round, a second each, three kills")
    parser.add_argument("--value-bytes", type=positive(int), default=256)
    parser.add_argument("--keys", type=positive(int), default=10_000)
    parser.add_argument("--floor", metavar="PATH",
                        help="a program, or its source in C++, that does only the sends and syncs; "
                             "its command line is in tools/compare_etcd/floor.py")
    parser.add_argument("--data-dir", metavar="FOLDER", default=os.environ.get("TMPDIR") or "/tmp",
                        help="where the nodes' folders go (default: that of TMPDIR, or /tmp)")
    parser.add_argument("--json", action="store_true", help="one JSON object on one line")
    parser.add_argument("--raft-bench", metavar="PROGRAM", help="take this one and build none")
    parser.add_argument("--no-bootstrap", action="store_true", help="install nothing")
    settings = parser.parse_args()
    quick = settings.quick
    settings.works = settings.works or list(WORKS)
    settings.seconds = settings.seconds or (1.0 if quick else 4.0)
    settings.rounds = settings.rounds or (1 if quick else 2)
    settings.kills = settings.kills or (3 if quick else 20)
    settings.warm_up_s = 0.5 if quick else 1.0
    settings.data_dir = os.path.abspath(settings.data_dir)
    if not os.path.isdir(settings.data_dir):
        parser.error(f"--data-dir {settings.data_dir}: there is no such folder")
    if "five-nodes" in settings.works and "writes" not in settings.works:
        parser.error("--work five-nodes is compared with three nodes: add --work writes")
    return settings


def call(command):
    """A command whose words are for the user; what it prints does not belong to the result."""
    if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode != 0:
        raise Trouble(f"{' '.join(command)} has failed; its words are above")


def bootstrap():
    call([os.path.join(ROOT, "tools/bootstrap"), "--etcd"])


def build():
    folder = os.environ.get("RAFT_ACTOR_BUILD") or os.path.join(ROOT, "build")
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        call(["meson", "setup", folder, ROOT])
    call(["meson", "compile", "-C", folder, "raft-actor", "raft-bench"])
    return os.path.join(folder, "tools/raft-bench")


def compare(settings, folder):
    if not settings.no_bootstrap:
        bootstrap()
    missing = etcd.what_is_missing()
    if missing:
        raise Trouble(f"missing: {', '.join(missing)}; leave out --no-bootstrap, or install the "
                      "packages that tools/bootstrap --help names for --etcd")
    raft_bench = settings.raft_bench or build()
    floors = []
    if settings.floor:
        program = prepare(settings.floor, folder)
        floors = [Floor(program, mode, settings) for mode in MODES]
    progress = report.Progress()
    progress.show("building the load generator for etcd")
    runtimes = MODES if settings.runtime == "both" else (settings.runtime,)
    systems = [etcd.Etcd(etcd.build_load(folder), settings),
               *(Ours(raft_bench, runtime, settings) for runtime in runtimes)]
    comparison = Comparison(systems, floors, settings, progress)
    try:
        comparison.run()
    finally:
        progress.clear()
    return Table(comparison)


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    settings = parse_arguments()
    signal.signal(signal.SIGTERM, interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="compare-etcd-") as folder:
            table = compare(settings, folder)
    except Trouble as trouble:
        print(f"compare-etcd: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("compare-etcd: interrupted; the nodes are stopped", file=sys.stderr)
        return 130
    facts = {"etcd": etcd.version(), "cores": os.cpu_count(),
             "filesystem": filesystem_of(settings.data_dir)}
    (report.print_json if settings.json else report.print_table)(table, facts)
    judged = DEFAULT_RUNTIME if DEFAULT_RUNTIME in table.runtimes else table.runtimes[0]
    reached, asked = table.reached(judged)
    return 0 if reached == asked else 1
