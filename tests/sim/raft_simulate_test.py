#!/usr/bin/env python3
"""raft-simulate as people and scripts use it: its options, its output, its exit codes."""

import json
import subprocess
import sys

SIMULATE = sys.argv[1]
SHORT = ["--seconds", "3", "--operations", "100"]


def run(*arguments, code=0):
    done = subprocess.run([SIMULATE, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def hash_of(*arguments):
    return json.loads(run("--json", *SHORT, *arguments).stdout)["hash"]


def test_same_seed_same_hash():
    first = hash_of("--seed", "7")
    assert first == hash_of("--replay", "7")
    assert first != hash_of("--seed", "8")
    assert first != hash_of("--seed", "7", "--faults", "none")


def test_jobs_change_no_run():
    alone = json.loads(run("--json", "--seeds", "1..12", *SHORT).stdout)
    together = json.loads(run("--json", "--seeds", "1..12", "--jobs", "3", *SHORT).stdout)
    assert alone["seeds"] == together["seeds"] == 12
    assert alone["statistics"] == together["statistics"]
    assert alone["findings"] == together["findings"] == []


def test_trace_prints_each_event():
    lines = run("--replay", "7", "--trace", *SHORT).stdout.splitlines()
    assert len(lines) > 500, len(lines)
    assert any(line.startswith("node 1") and "starts in term 0" in line for line in lines)
    assert any(line.startswith("clients") and " of key " in line for line in lines)
    assert any("is a get of key" in line for line in lines)
    assert any(line.startswith("trace hash ") for line in lines)


def test_summary_in_a_pipe_is_plain():
    done = run("--seeds", "1..3", *SHORT)
    assert "\r" not in done.stdout + done.stderr
    assert "3 seeds in" in done.stdout and "a minute of one core" in done.stdout
    assert done.stderr == "", done.stderr


def test_wrong_usage():
    assert "A..B" in run("--seeds", "5", code=2).stderr
    assert "\"storms\" is no fault" in run("--faults", "loss,storms", code=2).stderr
    assert "--trace" in run("--trace", code=2).stderr
    run("--nodes", "99", code=2)
    usage = run("--help").stdout
    for fault in ("loss", "power-cuts", "bit-flips", "clock-jumps"):
        assert fault in usage, fault


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
