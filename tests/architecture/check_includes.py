"""Checks that every room of the project includes only what the table of rooms lets it see.

Usage: check_includes.py PROJECT_FOLDER

Prints each violation as FILE:LINE: WHAT, and exits 1 if there is one.
"""

import dataclasses
import pathlib
import re
import sys

SOURCES = {".h", ".hpp", ".cpp", ".cc"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
LOCK = re.compile(
    r"\b(?:(?:recursive_|shared_|timed_|recursive_timed_|shared_timed_)?mutex"
    r"|lock_guard|scoped_lock|unique_lock|shared_lock|condition_variable(?:_any)?"
    r"|pthread_(?:mutex|cond|rwlock|spin)\w*)\b")

# Libraries by the headers they are known by. A header that is neither in here nor of the system
# counts as a library named by its first folder, so that a new one has to be let in by name.
LIBRARIES = {
    "absl": re.compile(r"absl/"),
    "cli11": re.compile(r"CLI/"),
    "fmt": re.compile(r"fmt/"),
    "msgpack": re.compile(r"msgpack[./]"),
    "nlohmann_json": re.compile(r"nlohmann/"),
    "rocksdb": re.compile(r"rocksdb/"),
    "spdlog": re.compile(r"spdlog/"),
    "toml++": re.compile(r"toml\+\+/"),
    "xxhash": re.compile(r"xxh(?:ash|3)\.h$"),
    "zmq": re.compile(r"zmq(?:\.h|\.hpp|_\w+\.hp?p?)$"),
}
SYSTEM = re.compile(r"(?:\w+|\w+\.h|(?:arpa|linux|net|netinet|sys)/\w+\.h)$")

# Parts of the system that a room may be kept from.
CLOCKS = re.compile(r"(?:chrono|ctime|time\.h|sys/time\.h|sys/timerfd\.h)$")
FILES = re.compile(
    r"(?:fstream|filesystem|fcntl\.h|unistd\.h|dirent\.h|sys/(?:stat|file|uio|mman|statvfs)\.h)$")
LOCKS = re.compile(r"(?:mutex|shared_mutex|condition_variable|semaphore(?:\.h)?|latch|barrier)$")
LOGGING = re.compile(r"(?:iostream|ostream|print|syncstream|cstdio|stdio\.h|syslog\.h)$")
SOCKETS = re.compile(
    r"(?:netdb\.h|poll\.h|net/if\.h|netinet/\w+\.h|sys/(?:socket|un|epoll|poll|select)\.h)$")
THREADS = re.compile(r"(?:thread|future|stop_token|pthread\.h|threads\.h)$")
NAMES = {
    CLOCKS: "a clock", FILES: "files", LOCKS: "locks", LOGGING: "logging", SOCKETS: "sockets",
    THREADS: "threads",
}

# The face that the core shows; the files behind it are for src/raft alone.
RAFT_INTERFACE = {"raft/" + name + ".h"
                  for name in ("configuration", "effects", "entry", "events", "messages", "server", "snapshot_head", "types")}

# Of the storage, what the tools may see: public file formats, and the files to put them in.
STORAGE_FOR_TOOLS = {"storage/" + name + ".h" for name in ("backup_file", "file_system", "identity")}


@dataclasses.dataclass(frozen=True)
class Room:
    """What one room may see: rooms (always itself), libraries, and which parts of the system not."""

    rooms: tuple = ()
    libraries: tuple = ()
    not_system: tuple = ()
    no_locks: bool = True


ROOMS = {
    "src/base": Room(libraries=("fmt", "xxhash"), not_system=(SOCKETS, THREADS, LOCKS)),
    "src/raft": Room(rooms=("src/base",), libraries=("fmt",),
                     not_system=(SOCKETS, THREADS, LOCKS, CLOCKS, FILES, LOGGING)),
    "src/codec": Room(rooms=("src/base", "src/raft"), libraries=("fmt", "msgpack"),
                      not_system=(SOCKETS, THREADS, LOCKS, FILES)),
    "src/storage": Room(rooms=("src/base", "src/raft"), libraries=("fmt",),
                        not_system=(SOCKETS, THREADS, LOCKS)),
    "src/database": Room(rooms=("src/base",), libraries=("absl", "fmt", "msgpack", "rocksdb"),
                         not_system=(SOCKETS, THREADS, LOCKS)),
    "src/settings": Room(libraries=("fmt", "toml++"), not_system=(SOCKETS, THREADS, LOCKS)),
    "actors": Room(rooms=("src/base", "src/raft", "src/codec", "src/storage", "src/database",
                          "src/settings"),
                   libraries=("cli11", "fmt", "spdlog", "zmq"), not_system=(LOCKS,)),
    "tools": Room(rooms=("src/base", "src/codec", "src/settings", "src/storage"),
                  libraries=("cli11", "fmt", "msgpack", "nlohmann_json", "spdlog", "zmq"),
                  no_locks=False),
    # It reads what src/storage writes by docs/log-format.md, and so may not see src/storage.
    "tools/inspector": Room(rooms=("tools", "src/base", "src/raft", "src/database"),
                            libraries=("cli11", "fmt", "nlohmann_json"),
                            not_system=(SOCKETS, LOCKS)),
}


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def without_comments(text):
    """The text with comments blanked, its lines and strings in their places."""
    return COMMENT_OR_STRING.sub(
        lambda match: blank(match) if match.group().startswith("/") else match.group(), text)


def room_of(path):
    """The room that a file belongs to by its path in the project, or None."""
    parts = path.parts
    folder = "/".join(parts[:2])
    name = folder if parts[0] == "src" or folder in ROOMS else parts[0]
    return name if name in ROOMS else None


class Checker:
    def __init__(self, project):
        self.project = pathlib.Path(project)
        self.violations = []
        self.files = 0

    def check(self):
        for folder in ("src", "actors", "tools"):
            for path in sorted((self.project / folder).rglob("*")):
                if path.suffix in SOURCES:
                    self.check_file(path.relative_to(self.project))
        return self.violations

    def check_file(self, path):
        self.files += 1
        name = room_of(path)
        if name is None:
            self.report(path, 1, f"'{path.parent}' is no room: give it a row in ROOMS")
            return
        text = without_comments((self.project / path).read_text(encoding="utf-8"))
        room = ROOMS[name]
        for number, line in enumerate(text.split("\n"), start=1):
            include = INCLUDE.match(line)
            if include:
                problem = self.problem_of_include(path, name, room, include[2])
                if problem:
                    self.report(path, number, f"{name} may not include '{include[2]}': {problem}")
            elif room.no_locks and (lock := LOCK.search(COMMENT_OR_STRING.sub(blank, line))):
                self.report(path, number, f"{name} may not use '{lock.group()}': "
                            "state has one owner, and there are no locks")

    def problem_of_include(self, path, name, room, header):
        if ".." in pathlib.PurePosixPath(header).parts:
            return "name it from the root of its room"
        target = self.target_room(path, header)
        if target is not None:
            if target != name and target not in room.rooms:
                return f"{target} is out of its sight"
            if target == "src/raft" != name and header not in RAFT_INTERFACE:
                return "it is inside the core; use what server.h, events.h and effects.h offer"
            if target == "src/storage" and name == "tools" and header not in STORAGE_FOR_TOOLS:
                return "a tool sees public file formats, not how a node keeps them"
            return None
        library = self.library_of(header)
        if library is not None:
            return None if library in room.libraries else f"{library} is out of its sight"
        hidden = [part for part in room.not_system if part.match(header)]
        return f"{NAMES[hidden[0]]} are out of its sight" if hidden else None

    def target_room(self, path, header):
        """The room of the project that a header belongs to, or None if it is not the project's."""
        first = header.split("/")[0]
        for name in ("src/" + first, first):
            if "/" in header and name in ROOMS:
                return name
        if (self.project / "tools" / header).is_file():
            return "tools"
        beside = path.parent / header
        return room_of(beside) if (self.project / beside).is_file() else None

    @staticmethod
    def library_of(header):
        for library, pattern in LIBRARIES.items():
            if pattern.match(header):
                return library
        return None if SYSTEM.match(header) else re.split(r"[/.]", header)[0]

    def report(self, path, line, what):
        self.violations.append(f"{path}:{line}: {what}")


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    checker = Checker(arguments[0])
    for violation in checker.check():
        print(violation)
    if checker.files == 0:
        print(f"{arguments[0]}: there is nothing to check; is it the project's folder?")
        return 1
    print(f"{checker.files} files, {len(checker.violations)} violations")
    return 1 if checker.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
