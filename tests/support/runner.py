"""Runs the Python tests of a folder, several classes at a time, and adds up how they ended.

A class with `alone = True` measures the machine, or fills it: such classes run one after the other, when all others
are done.
"""
import os
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor


def tests_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_of(item)
        else:
            yield item


def load(folder, words):
    """The tests by class; all those whose name has one of the words."""
    classes = {}
    for test in tests_of(unittest.defaultTestLoader.discover(str(folder), pattern="*_test.py")):
        if not words or any(word in test.id() for word in words):
            classes.setdefault(type(test), []).append(test)
    return classes


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.passed = self.failed = self.skipped = 0

    def run(self, tests):
        """Runs the tests of one class, with what the class sets up for them."""
        suite = unittest.TestSuite(tests)
        result = unittest.TestResult()
        suite.run(result)
        with self.lock:
            self.add(tests, result)

    def add(self, tests, result):
        wrong = {}
        for which, text in result.failures + result.errors:
            wrong.setdefault(getattr(which, "test_case", which).id(), []).append(text)
        skipped = dict((which.id(), reason) for which, reason in result.skipped)
        for name, texts in wrong.items():
            print(f"FAILED {name}\n" + "\n".join(texts), flush=True)
        for name, reason in skipped.items():
            print(f"skipped {name}: {reason}", flush=True)
        self.failed += len(wrong)
        self.skipped += len(skipped.keys() - wrong.keys())
        self.passed += sum(test.id() not in wrong and test.id() not in skipped for test in tests) \
            if result.testsRun else 0


def main(folder, words):
    """Prints what failed and why some were skipped, then `N passed, N failed, N skipped`; returns the exit status."""
    tally = Tally()
    classes = load(folder, words)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        together = [tests for kind, tests in classes.items() if not getattr(kind, "alone", False)]
        for done in [pool.submit(tally.run, tests) for tests in together]:
            done.result()
    for kind, tests in classes.items():
        if getattr(kind, "alone", False):
            tally.run(tests)
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed or not tally.passed + tally.skipped else 0
