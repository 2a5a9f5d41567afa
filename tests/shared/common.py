"""What the tests share that use material outside the repository: where it is, running specular, counting."""
import json
import os
import pathlib
import subprocess
import sys

# What a sanitizer leaves on standard error; its exit status may look like one of specular's own.
SANITIZER = ("Sanitizer", "runtime error:")


class Tally:
    """Counts tests; one line for each that did not pass, and the last line of the output."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, problems):
        """One test: it passed if there are no problems."""
        if not problems:
            self.passed += 1
            return
        self.failed += 1
        print(f"FAILED {name}")
        for problem in problems:
            print(f"    {problem}")

    def skip(self, reason):
        self.skipped += 1
        print(f"skipped: {reason}")

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed else 0)


def arguments():
    """The program under test, and the folder with the material; SPECULAR_SHARED names another one."""
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} SPECULAR FOLDER")
    folder = os.environ.get("SPECULAR_SHARED") or sys.argv[2]
    return os.path.abspath(sys.argv[1]), pathlib.Path(folder).resolve()


def need(tally, folder):
    """Ends the run, as skipped, where the material is not there."""
    if folder.exists():
        return
    tally.skip(f"{folder} is not there")
    tally.finish()


class Run:
    """What `specular ARGUMENTS` said, and what was wrong with the way it ended."""

    def __init__(self, program, *args, timeout=120):
        self.problems = []
        self.status, self.stdout, self.stderr = None, b"", ""
        try:
            done = subprocess.run([program, *map(str, args)], capture_output=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            self.problems.append(f"no end after {timeout} s")
            return
        self.status, self.stdout = done.returncode, done.stdout
        self.stderr = done.stderr.decode(errors="replace")
        if self.status < 0:
            self.problems.append(f"ended by signal {-self.status}")
        elif self.status > 1:
            self.problems.append(f"exit status {self.status}")
        if any(word in self.stderr for word in SANITIZER):
            self.problems.append("a sanitizer complained: " + self.stderr[:2000])

    def transactions(self):
        """The rows of `transactions --jsonl`."""
        rows = []
        for line in self.stdout.decode("ascii", errors="replace").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                self.problems.append(f"a line that is no JSON: {line[:200]}")
        return rows
