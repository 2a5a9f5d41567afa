"""Running the specular command, and what every test of it has in common.

Whatever a test runs must end with an exit status of CONTRACT's (0 to 3): a signal, or a sanitizer's report, fails
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import wire

SPECULAR = os.environ.get("SPECULAR", "specular")
SPECULARD = os.environ.get("SPECULARD", "speculard")
TIMEOUT = 120
SANITIZER_STATUS = 99
SUPPRESSIONS = Path(__file__).resolve().parent.parent / "support/lsan.supp"
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
    env["LSAN_OPTIONS"] = f"exitcode={SANITIZER_STATUS}:suppressions={SUPPRESSIONS}:print_suppressions=0"
    env["UBSAN_OPTIONS"] = f"exitcode={SANITIZER_STATUS}:print_stacktrace=1:halt_on_error=1"
    env["TSAN_OPTIONS"] = f"exitcode={SANITIZER_STATUS}"
    return env


def run(*arguments, stdin=b"", stdout=subprocess.PIPE):
    """Runs the command to its end; raises if it crashed."""
    arguments = [str(a) for a in arguments]
    done = subprocess.run([SPECULAR, *arguments], input=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=TIMEOUT,
                          env=environment(), check=False)
    result = Result(arguments, done.returncode, done.stdout or b"", done.stderr)
    if done.returncode not in (0, 1, 2, 3) or SANITIZER_REPORT.search(done.stderr):
        raise AssertionError(f"the command crashed\n{result}")
    return result


def run_all(argument_lists):
    """Runs the command with each of these, several at a time; the results in the same order."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda arguments: run(*arguments), argument_lists))


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


def has_empty_text(value):
    if isinstance(value, (list, dict)):
        return any(map(has_empty_text, value.values() if isinstance(value, dict) else value))
    return value == ""


class CommandTest(unittest.TestCase):
    """A folder of its own for each test, and short words for what is asked all the time."""

    maxDiff = 4000

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="specular-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def hold(self):
        """The daemon, which has self.store open and answers at its socket, until it is told to end or the test does."""
        self.path("captures/x")
        config = self.file("speculard.yaml", f"sources: {{folder: {self.folder}/captures}}\n"
                                             "metrics: {listen: ''}\nhealth: {listen: ''}\n")
        process = subprocess.Popen([SPECULARD, "--store", self.store, "--config", config], stderr=subprocess.PIPE,
                                   env=environment())
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        answers = wait_until(lambda: run("status", "--store", self.store).status == 0 or process.poll() is not None)
        self.assertTrue(answers and process.poll() is None, "the daemon answers")
        return process

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
        """Runs the command, which ends with that status (None: any)."""
        result = run(*arguments, stdin=stdin)
        if status is not None:
            self.assertEqual(status, result.status, result)
        return result

    def transactions(self, *arguments, status=0, stdin=b""):
        return self.rows("transactions", *arguments, status=status, stdin=stdin)

    def rows(self, *arguments, **how):
        """The array that the command prints, in which nothing absent is an empty string."""
        rows = self.specular(*arguments, "--json", **how).json()
        self.assertIsInstance(rows, list)
        self.assertFalse(has_empty_text(rows), rows)
        return rows

    def transaction(self, *arguments):
        """The only one."""
        found = self.transactions(*arguments)
        self.assertEqual(1, len(found), found)
        return found[0]

    def transaction_of(self, asked, answered, *arguments, **how):
        return self.transaction(self.capture(wire.connection([(asked, answered)], **how)), *arguments)

    def start(self, *arguments):
        """Starts the command with a pipe for standard input; it ends with the test at the latest."""
        process = subprocess.Popen([SPECULAR, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment())
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def new_store(self):
        """Where no store is yet."""
        return self.folder / f"store-{len(list(self.folder.glob('store-*')))}"

    def store_of(self, *arguments):
        """A new store with what analyze makes of the captures."""
        store = self.new_store()
        self.specular("analyze", "--store", store, *arguments)
        return store

    def endpoints(self, frames, config=None):
        """What `endpoints --all --json` tells of these frames."""
        extra = ["--config", config] if config else []
        store = self.store_of(self.capture(frames), *extra)
        return self.listed(store, *extra)

    def listed(self, store, *options):
        """All endpoints of a store; of every one of them there was a request."""
        found = self.rows("endpoints", "--all", "--store", store, *options)
        for endpoint in found:
            self.assertGreater(endpoint["requests"], 0, endpoint)
            self.assertLessEqual(endpoint["first_seen"], endpoint["last_seen"], endpoint)
            self.assertLessEqual(sum(endpoint["statuses"].values()), endpoint["requests"], endpoint)
        return found

    def names(self, frames, kind="api", **how):
        """"METHOD host path" of the endpoints of a kind."""
        return sorted(f"{e['method']} {e['host']}{e['path']}" for e in self.endpoints(frames, **how)
                      if e["kind"] == kind)

    def coverage(self, store):
        return self.rows("coverage", "--store", store)

    def one_line(self, result, *words):
        """Standard error is one line that names the words."""
        self.assertEqual(1, len(result.err.splitlines()), result)
        self.says(result, *words)

    def says(self, result, *words):
        for word in words:
            self.assertIn(str(word), result.err, result)
