#!/usr/bin/env python3
"""Plants every bug of this directory into copies of the sources that it names.

    plant.py OUTPUT_DIRECTORY SOURCE_ROOT TABLE_NAME COPY... -- MUTATION...

COPY is a path as `file:` lines name it, with the slashes as dashes: src-raft-log.cpp. A bug is a
file NAME.mutation:

    hazard: A7
    breaks: One sentence: what no longer holds.
    seed: 12
    --- file src/raft/election.cpp expression
    what stands there, exactly once; white space does not count
    --- planted
    what takes its place
    --- end

`seed:` is optional: one that found it once. `expression` or `statement` says what is replaced; a
bug may have several places, each with its own file line. In the copies every place becomes a
choice between both, by mutation::active; the number of a bug comes from its name, so that another
bug changes no other copy.
"""

import re
import sys
import zlib
from pathlib import Path


class Mistake(Exception):
    pass


class Place:
    def __init__(self, file, kind, original, planted):
        self.file, self.kind, self.original, self.planted = file, kind, original, planted


class Mutation:
    def __init__(self, path):
        self.name = path.stem
        self.number = zlib.crc32(self.name.encode()) >> 1
        self.fields = {"seed": "0"}
        self.places = []
        self.read(path.read_text().splitlines())

    def read(self, lines):
        at = 0
        while at < len(lines) and not lines[at].startswith("---"):
            key, colon, value = lines[at].partition(": ")
            if not colon or key not in ("hazard", "breaks", "seed"):
                raise Mistake(f"{self.name}: no field: {lines[at]!r}")
            self.fields[key] = value.strip()
            at += 1
        for place in "\n".join(lines[at:]).split("--- file ")[1:]:
            found = re.fullmatch(
                r"(\S+) (expression|statement)\n(.*)\n--- planted\n(.*)\n?--- end\s*", place, re.DOTALL)
            if not found:
                raise Mistake(f"{self.name}: a place is not file, planted, end: {place!r}")
            self.places.append(Place(*found.groups()))
        if not self.places or not {"hazard", "breaks"} <= self.fields.keys():
            raise Mistake(f"{self.name}: hazard, breaks and a place are wanted")


def find(name, place, text):
    """Where the original stands in the text; white space does not count."""
    letters = [re.escape(letter) for letter in place.original if not letter.isspace()]
    found = list(re.finditer(r"\s*".join(letters), text))
    if len(found) != 1:
        raise Mistake(f"mutation {name}: in {place.file} its original stands {len(found)} times, "
                      f"it has to be found once: {' '.join(place.original.split())}")
    return found[0].span()


def brackets(number, place):
    """What goes before and behind the original; on one line, so that line numbers stay."""
    planted = " ".join(place.planted.split())
    if place.kind == "expression":
        return f"(::mutation::active({number}) ? ({planted}) : (", "))"
    return f"if (::mutation::active({number})) {{ {planted} }} else {{ ", " }"


def planted_text(file, text, places):
    insertions = []
    spans = []
    for number, name, place in places:
        begin, end = find(name, place, text)
        for other, other_begin, other_end in spans:
            if begin < other_begin < end < other_end or other_begin < begin < other_end < end:
                raise Mistake(f"mutations {name} and {other} overlap in {file}")
        spans.append((name, begin, end))
        before, behind = brackets(number, place)
        # Wider ones begin before and end behind narrower ones; of equal ones, the first is outside.
        insertions.append((begin, 1, begin - end, number, before))
        insertions.append((end, 0, end - begin, -number, behind))
    for at, _, _, _, words in sorted(insertions, reverse=True):
        text = text[:at] + words + text[at:]
    return f'#include "mutation.h"\n#line 1\n{text}'


def table(mutations):
    def quoted(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    rows = [f"      {{{each.number}, {quoted(each.name)}, {quoted(each.fields['hazard'])}, "
            f"{quoted(each.fields['breaks'])}, {int(each.fields['seed'])}}},\n"
            for each in mutations]
    return ('#include "mutation.h"\n\nnamespace mutation {\n\n'
            "const std::vector<Mutation>& all() {\n"
            "  static const std::vector<Mutation> mutations{\n" + "".join(rows) +
            "  };\n  return mutations;\n}\n\n}  // namespace mutation\n")


def write_if_new(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main(output, source_root, table_name, *rest):
    split = rest.index("--")
    copies, paths = rest[:split], rest[split + 1:]
    mutations = [Mutation(Path(path)) for path in sorted(paths)]
    here = {path.stem for path in Path(__file__).parent.glob("*.mutation")}
    if here != {each.name for each in mutations}:
        raise Mistake(f"mutations/meson.build names other mutations than there are: "
                      f"{' '.join(sorted(here ^ {each.name for each in mutations}))}")
    places = {}
    for mutation in mutations:
        for place in mutation.places:
            places.setdefault(place.file, []).append((mutation.number, mutation.name, place))
    if sorted(copies) != sorted(file.replace("/", "-") for file in places):
        wanted = " ".join(sorted(file.replace("/", "-") for file in places))
        raise Mistake(f"mutations are planted in other files than meson.build names: {wanted}")
    if len({each.number for each in mutations}) != len(mutations):
        raise Mistake("two names give the same number: call one of them otherwise")
    for file, found in places.items():
        text = (Path(source_root) / file).read_text()
        write_if_new(Path(output) / file.replace("/", "-"), planted_text(file, text, found))
    write_if_new(Path(output) / table_name, table(mutations))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Mistake as mistake:
        sys.exit(f"plant.py: {mistake}")
