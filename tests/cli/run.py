"""Runs the tests of the specular command, several classes at a time.

    run.py SPECULAR [WORD…]     only tests with one of the words in their names, as file.Class.test

What failed, and why some were skipped, stands before the last line: `N passed, N failed, N skipped`.
"""
import os
import sys
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def tests_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_of(item)
        else:
            yield item


def load(words):
    """The tests by class; all those whose name has one of the words."""
    classes = {}
    for test in tests_of(unittest.defaultTestLoader.discover(str(FOLDER), pattern="*_test.py")):
        if not words or any(word in test.id() for word in words):
            classes.setdefault(type(test), []).append(test)
    return list(classes.values())


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.passed = self.failed = self.skipped = 0

    def run(self, tests):
        for test in tests:
            result = unittest.TestResult()
            test.run(result)
            with self.lock:
                self.add(test, result)

    def add(self, test, result):
        wrong = result.failures + result.errors
        for which, text in wrong:
            print(f"FAILED {which.id()}\n{text}", flush=True)
        for _, reason in result.skipped:
            print(f"skipped {test.id()}: {reason}", flush=True)
        self.failed += bool(wrong)
        self.skipped += bool(result.skipped and not wrong)
        self.passed += not wrong and not result.skipped


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    specular = Path(arguments[0]).resolve()
    if not os.access(specular, os.X_OK):
        sys.exit(f"{specular}: no program")
    os.environ["SPECULAR"] = str(specular)
    sys.path.insert(0, str(FOLDER))
    tally = Tally()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(tally.run, tests) for tests in load(arguments[1:])]:
            done.result()
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
