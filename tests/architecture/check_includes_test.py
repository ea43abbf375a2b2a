"""Shows that check_includes.py finds each kind of violation, at its line, and nothing else."""

import contextlib
import io
import pathlib
import tempfile
import unittest

import check_includes


def check(files):
    """Runs the check on a project of these files; gives what it printed and its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = check_includes.main([folder])
        return output.getvalue(), code


class CheckIncludes(unittest.TestCase):
    def assert_allowed(self, name, *lines):
        output, code = check({name: "\n".join(lines) + "\n"})
        self.assertEqual(code, 0, output)

    def assert_refused(self, name, line, *also):
        output, code = check({name: f"#pragma once\n\n{line}\n", **dict.fromkeys(also, "")})
        self.assertEqual(code, 1, f"{line!r} in {name} passed")
        self.assertIn(f"{name}:3: ", output)
        self.assertIn(" 1 violations\n", output)

    def test_include_own_row_allowed(self):
        self.assert_allowed("src/base/a.h", "#include <cstdint>", "#include <fmt/format.h>")
        self.assert_allowed("src/raft/a.h", '#include "base/check.h"', '#include "raft/log.h"',
                            "#include <vector>")
        self.assert_allowed("src/codec/a.cpp", '#include "raft/messages.h"',
                            "#include <msgpack.hpp>")
        self.assert_allowed("src/storage/a.cpp", '#include "raft/entry.h"',
                            "#include <sys/stat.h>", "#include <filesystem>")
        self.assert_allowed("src/database/a.cpp", '#include "base/bytes.h"',
                            "#include <rocksdb/db.h>")
        self.assert_allowed("src/settings/a.cpp", "#include <toml++/toml.h>")
        self.assert_allowed("tools/inspector/a.cpp", '#include "database/command.h"',
                            '#include "raft/types.h"', "#include <fcntl.h>")
        self.assert_allowed("actors/a.cpp", '#include "raft/server.h"', '#include "actors/b.h"',
                            "#include <thread>", "#include <zmq.hpp>", "#include <zmq_addon.hpp>")
        self.assert_allowed("tools/send/a.cpp", '#include "codec/client_codec.h"',
                            "#include <mutex>")

    def test_include_room_out_of_sight_refused(self):
        for name, header in (("src/base/a.h", "raft/types.h"),
                             ("src/raft/a.h", "storage/log_store.h"),
                             ("src/raft/a.h", "codec/frames.h"),
                             ("src/codec/a.h", "database/command.h"),
                             ("src/storage/a.h", "database/database.h"),
                             ("src/database/a.h", "raft/types.h"),
                             ("src/settings/a.h", "base/result.h"),
                             ("tools/a.cpp", "raft/types.h"),
                             ("tools/a.cpp", "database/command.h"),
                             ("tools/inspector/a.cpp", "storage/segment_format.h"),
                             ("tools/a.cpp", "actors/node.h")):
            self.assert_refused(name, f'#include "{header}"')
            self.assert_refused(name, f"  #  include <{header}>")

    def test_include_room_by_detour_refused(self):
        self.assert_refused("src/base/a.h", '#include "../raft/types.h"')
        self.assert_refused("src/base/a.h", '#include "client/reply.h"', "tools/client/reply.h")

    def test_include_inside_of_raft_refused(self):
        self.assert_refused("actors/a.cpp", '#include "raft/election.h"')
        self.assert_refused("src/codec/a.cpp", '#include "raft/log.h"')

    def test_include_inside_of_storage_refused_to_tools(self):
        self.assert_allowed("tools/a.cpp", '#include "storage/backup_file.h"')
        self.assert_refused("tools/a.cpp", '#include "storage/log_store.h"')

    def test_include_library_out_of_sight_refused(self):
        for name, header in (("src/raft/a.h", "msgpack.hpp"), ("src/raft/a.h", "zmq.h"),
                             ("src/raft/a.h", "spdlog/spdlog.h"), ("src/raft/a.h", "rocksdb/db.h"),
                             ("src/codec/a.h", "zmq_addon.hpp"),
                             ("src/storage/a.h", "rocksdb/db.h"),
                             ("src/database/a.h", "msgpack/unpack.hpp/../toml++/toml.h"),
                             ("actors/a.h", "rocksdb/db.h"), ("actors/a.h", "toml++/toml.h"),
                             ("tools/a.h", "toml++/toml.h"), ("tools/a.h", "rocksdb/db.h"),
                             ("src/base/a.h", "boost/asio.hpp"), ("src/base/a.h", "catch.hpp")):
            self.assert_refused(name, f"#include <{header}>")
            self.assert_refused(name, f'#include "{header}"')

    def test_include_part_of_system_out_of_sight_refused(self):
        for header in ("thread", "mutex", "chrono", "ctime", "fstream", "filesystem", "iostream",
                       "cstdio", "unistd.h", "pthread.h", "sys/socket.h", "time.h", "future"):
            self.assert_refused("src/raft/a.cpp", f"#include <{header}>")
        self.assert_refused("src/codec/a.cpp", "#include <fstream>")
        self.assert_refused("src/storage/a.cpp", "#include <sys/socket.h>")
        self.assert_refused("src/database/a.cpp", "#include <thread>")
        self.assert_refused("actors/a.cpp", "#include <condition_variable>")

    def test_lock_in_src_or_actors_refused(self):
        for name in ("src/storage/a.cpp", "src/database/a.cpp", "actors/a.cpp"):
            self.assert_refused(name, "std::mutex guard;")
            self.assert_refused(name, "static pthread_mutex_t guard;")
            self.assert_refused(name, 'f("a"); std::lock_guard hold(guard);')

    def test_lock_in_comment_or_string_allowed(self):
        self.assert_allowed("actors/a.cpp", "// There is no mutex here.", "/* nor", "a mutex here",
                            '#include "database/store_of_old.h" */',
                            "int separated = 1'000;  // it's no mutex",
                            'const char* text = "no mutex, // and no lock_guard";')

    def test_folder_without_row_refused(self):
        output, code = check({"src/cache/a.h": ""})
        self.assertEqual(code, 1)
        self.assertIn("src/cache/a.h:1: ", output)

    def test_folder_without_sources_refused(self):
        self.assertEqual(check({"README": ""})[1], 1)


if __name__ == "__main__":
    unittest.main()
