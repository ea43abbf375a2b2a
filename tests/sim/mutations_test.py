#!/usr/bin/env python3
"""The planted bugs, as raft-simulate --mutations finds them; and that planting changes nothing."""

import json
import subprocess
import sys
from pathlib import Path

SIMULATE = sys.argv[1]
MUTATED = str(Path(SIMULATE).parent / "raft-simulate-mutated")
# Few enough for a test: what takes more is found by the seed that its file names.
SEEDS = "1..60"


def run(program, *arguments, code=0):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=800)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def test_planting_is_neutral():
    for seed in ("1", "2", "3", "4", "5"):
        plain, mutated = (json.loads(run(program, "--seed", seed, "--json").stdout)
                          for program in (SIMULATE, MUTATED))
        assert plain["hash"] == mutated["hash"], seed
        assert plain["findings"] == mutated["findings"] == []


def test_one_mutation_breaks_a_seed():
    arguments = ["--mutations", "commit_older_term", "vote_twice", "--json"]
    found = json.loads(run(SIMULATE, *arguments).stdout)["mutations"]
    assert [each["name"] for each in found] == ["commit_older_term", "vote_twice"]
    broken = run(SIMULATE, "--mutation", "vote_twice", "--seed", str(found[1]["seed"]), "--quiet",
                 code=1)
    assert f"seed {found[1]['seed']}" in broken.stdout, broken.stdout


def test_wrong_usage():
    assert "vote_twice" in run(SIMULATE, "--mutations", "no_such", code=2).stderr
    unfound = run(SIMULATE, "--mutations", "commit_older_term", "--seeds", "1..1", "--seconds", "1",
                  "--operations", "0", "--faults", "none", code=1)
    assert "NOT FOUND by 1 seeds" in unfound.stdout, unfound.stdout


def test_all_are_found():
    run(SIMULATE, "--mutations", "--recorded", "--seeds", SEEDS)


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
