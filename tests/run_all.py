#!/usr/bin/env python3
"""Runs the tests of a build folder and adds up what they say of themselves.

    run_all.py BUILD

Every test program ends with a line `N passed, N failed, N skipped`; one that does not counts as failed.
"""
import json
import re
import subprocess
import sys
from pathlib import Path

TALLY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)


def tally_of(test):
    """What a test program counted, and whether it ended as it should."""
    tallies = TALLY.findall(test["stdout"])
    passed, failed, skipped = (int(n) for n in tallies[-1]) if tallies else (0, 1, 0)
    crashed = test["result"] != "OK" and failed == 0
    return passed, failed + crashed, skipped


def report(test, failed, skipped):
    lines = (test["stdout"] + test.get("stderr", "")).splitlines()
    if failed:
        print(f"--- {test['name']} failed:")
        print("\n".join(lines[-200:]))
    elif skipped:
        print("\n".join(line for line in lines if "skipped" in line.lower() and not TALLY.match(line)))


def main():
    build = Path(sys.argv[1])
    subprocess.run(["meson", "test", "-C", str(build), "--num-processes", "2"], check=False, stdout=sys.stderr)
    total = [0, 0, 0]
    for line in (build / "meson-logs/testlog.json").read_text(encoding="utf-8").splitlines():
        test = json.loads(line)
        counts = tally_of(test)
        report(test, counts[1], counts[2])
        total = [a + b for a, b in zip(total, counts)]
    print("{} passed, {} failed, {} skipped".format(*total))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
