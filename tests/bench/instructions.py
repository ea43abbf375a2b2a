"""Counts the instructions of a fixed run, and compares them with what is recorded.

    instructions.py COUNTED_RUN RECORD KEY            # exit 1 where they are over 5 % more
    instructions.py --record COUNTED_RUN RECORD KEY   # writes them into RECORD instead

KEY names what the count depends on: the compiler with its major version, the processor and how far
it optimizes. Where RECORD has no such key, or valgrind is missing, there is nothing to compare, and
the exit code is 77. In a build folder: meson compile -C build record-instructions
"""

import json
import os
import re
import shutil
import subprocess
import sys

ALLOWED = 0.05
SKIP = 77
# Of the source of COUNTED_RUN: what comes before and after it is not counted, so that neither the
# start of a process nor its libraries matter.
COUNTED_FUNCTION = "counted_run"

# The plainest copying and comparing of glibc, whatever this processor has: "rep movsb", for one,
# counts as an instruction for each byte.
PLAIN_GLIBC = "glibc.cpu.hwcaps=" + ",".join(
    "-" + feature for feature in ("AVX_Fast_Unaligned_Load", "AVX2", "AVX512F", "AVX512VL", "ERMS",
                                  "Fast_Unaligned_Copy", "SSSE3"))


def count(program):
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--toggle-collect={COUNTED_FUNCTION}",
         "--callgrind-out-file=/dev/null", program],
        capture_output=True, text=True, env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C",
                                              "GLIBC_TUNABLES": PLAIN_GLIBC})
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found or int(found[1]) == 0:
        sys.exit(f"{program} could not be counted:\n{done.stdout}{done.stderr}")
    return int(found[1])


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def record(program, path, key):
    counts = read(path)
    counts[key] = count(program)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(dict(sorted(counts.items())), file, indent=2)
        file.write("\n")
    print(f"{key}: {counts[key]:,} instructions, recorded in {path}")


def compare(program, path, key):
    recorded = read(path).get(key)
    if recorded is None:
        print(f"skipped: no count is recorded for '{key}'; "
              "meson compile -C build record-instructions records one")
        return SKIP
    counted = count(program)
    change = counted / recorded - 1
    print(f"{key}: {counted:,} instructions, recorded {recorded:,}: {change:+.1%}, "
          f"allowed {ALLOWED:+.0%}")
    if change > ALLOWED:
        print("Make it cheaper, or record the new count in the same commit, and say why there:\n"
              "    meson compile -C build record-instructions")
        return 1
    if change < -ALLOWED:
        print("It became cheaper. So that it stays so, record it:\n"
              "    meson compile -C build record-instructions")
    return 0


def main():
    words = sys.argv[1:]
    recording = words[:1] == ["--record"]
    words = words[1:] if recording else words
    if len(words) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    if not shutil.which("valgrind"):
        print("skipped: there is no valgrind; tools/bootstrap installs it")
        return 1 if recording else SKIP
    return record(*words) or 0 if recording else compare(*words)


if __name__ == "__main__":
    sys.exit(main())
