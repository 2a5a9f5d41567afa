"""Running the specular command, and what every test of it has in common.

Whatever a test runs must end with an exit status of CONTRACT's (0, 1 or 2): a signal, or a sanitizer's report, fails
the test no matter what it looks at.
"""
import fcntl
import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time
import unittest
from dataclasses import dataclass
from pathlib import Path

import wire

SPECULAR = os.environ.get("SPECULAR", "specular")
TIMEOUT = 120
SANITIZER_STATUS = 99
SANITIZER_REPORT = re.compile(rb"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:")

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")


@dataclass
class Result:
    arguments: list
    status: int
    out_bytes: bytes
    err_bytes: bytes

    @property
    def out(self):
        return self.out_bytes.decode("utf-8")

    @property
    def err(self):
        return self.err_bytes.decode("utf-8")

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def __str__(self):
        return (f"specular {' '.join(map(str, self.arguments))}\nexit {self.status}\n"
                f"stdout: {self.out_bytes[:3000]!r}\nstderr: {self.err_bytes[:3000]!r}")


def environment(**added):
    env = dict(os.environ, LC_ALL="C.UTF-8", **added)
    env["ASAN_OPTIONS"] = f"exitcode={SANITIZER_STATUS}:allocator_may_return_null=0"
    env["LSAN_OPTIONS"] = f"exitcode={SANITIZER_STATUS}"
    env["UBSAN_OPTIONS"] = f"exitcode={SANITIZER_STATUS}:print_stacktrace=1:halt_on_error=1"
    env["TSAN_OPTIONS"] = f"exitcode={SANITIZER_STATUS}"
    return env


def run(*arguments, stdin=b"", cwd=None):
    """Runs the command to its end; raises if it crashed."""
    arguments = [str(a) for a in arguments]
    done = subprocess.run([SPECULAR, *arguments], input=stdin, capture_output=True, timeout=TIMEOUT, cwd=cwd,
                          env=environment(), check=False)
    result = Result(arguments, done.returncode, done.stdout, done.stderr)
    if done.returncode not in (0, 1, 2) or SANITIZER_REPORT.search(done.stderr):
        raise AssertionError(f"the command crashed\n{result}")
    return result


def start(*arguments):
    """Starts the command with a pipe for standard input."""
    return subprocess.Popen([SPECULAR, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=environment())


def wait_until(condition, seconds=30):
    """Whether the condition became true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def is_locked(path):
    """Whether another process holds a POSIX lock on the file, as RocksDB does on LOCK."""
    if not path.exists():
        return False
    with open(path, "rb") as file:
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        return struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, asked))[0] != fcntl.F_UNLCK


class CommandTest(unittest.TestCase):
    """A folder of its own for each test, and short words for what is asked all the time."""

    maxDiff = 4000

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="specular-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def file(self, name, content):
        path = self.path(name)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def capture(self, frames, name="a.pcap"):
        """The frames as a file: nanosecond pcap."""
        return self.file(name, wire.pcap(frames, nano=True))

    def config(self, text):
        return self.file("specular.yaml", text)

    def specular(self, *arguments, status=0, stdin=b""):
        result = run(*arguments, stdin=stdin)
        self.assertEqual(status, result.status, result)
        return result

    def transactions(self, *arguments, status=0, stdin=b""):
        return self.specular("transactions", "--json", *arguments, status=status, stdin=stdin).json()

    def transaction(self, *arguments):
        """The only one."""
        found = self.transactions(*arguments)
        self.assertEqual(1, len(found), found)
        return found[0]

    def transaction_of(self, asked, answered, *arguments, **how):
        return self.transaction(self.capture(wire.connection([(asked, answered)], **how)), *arguments)

    def store_of(self, *arguments, name="store"):
        """A store with what analyze makes of the captures."""
        store = self.folder / name
        self.specular("analyze", "--store", store, *arguments)
        return store

    def endpoints(self, frames, *options, config=None):
        """What `endpoints --all --json` tells of these frames."""
        store = self.folder / f"store-{len(list(self.folder.glob('store-*')))}"
        extra = ["--config", config] if config else []
        self.specular("analyze", "--store", store, self.capture(frames, f"{store.name}.pcap"), *extra)
        return self.specular("endpoints", "--all", "--json", "--store", store, *options, *extra).json()

    def names(self, frames, kind="api", **how):
        """"METHOD host path" of the endpoints of a kind."""
        return sorted(f"{e['method']} {e['host']}{e['path']}" for e in self.endpoints(frames, **how)
                      if e["kind"] == kind)

    def coverage(self, store):
        return self.specular("coverage", "--json", "--store", store).json()

    def one_line(self, result, *words):
        """Standard error is one line that names the words."""
        self.assertEqual(1, len(result.err.splitlines()), result)
        self.says(result, *words)

    def says(self, result, *words):
        for word in words:
            self.assertIn(str(word), result.err, result)
