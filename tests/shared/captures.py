"""Real captures: `specular transactions` beside what tshark found in them.

Compared are, for each capture, the multisets of requests (method, target) and of responses (status, content type
without parameters). Two properties of the reference are no differences:
- it lists a response only when its whole body was reassembled: rows of ours that are not complete, and which it does
  not list, do not count;
- it lists interim responses (1xx but 101), which are no transactions.
Captures that differ beyond that are listed in differences.tsv, each with a reason.
"""
import collections
import concurrent.futures
import csv
import os
import pathlib
import re

from common import Run, Tally, arguments, need

DIFFERENCES = pathlib.Path(__file__).with_name("differences.tsv")
MOST_DIFFERENCES = 15
MOST_PERCENT = 3
REASON = re.compile(r"\b(RFC \d+ section \d|packets? \d)")
SHOWN = 6


class Differences:
    """One side of the comparison: what is only in ours or only in the reference."""

    def __init__(self):
        self.requests_only_ours = self.requests_missing = collections.Counter()
        self.responses_only_ours = self.responses_missing = collections.Counter()
        self.excused = 0

    def lines(self):
        parts = (("request only found by specular", self.requests_only_ours),
                 ("request missing", self.requests_missing),
                 ("response only found by specular", self.responses_only_ours),
                 ("response missing", self.responses_missing))
        return [f"{count} x {what}: {' '.join(key)[:200]!r}"
                for what, counter in parts for key, count in list(counter.items())[:SHOWN]]


def media_type(value):
    return re.split("[;,]", value)[0].strip().lower()


def read_reference(path):
    requests, responses = collections.Counter(), collections.Counter()
    if not path.exists():
        return requests, responses
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n")[1:]:
        kind, _, method, _, uri, status, content_type = (line.split("\t") + [""] * 7)[:7]
        if kind == "Q":
            requests[(method, uri)] += 1
        elif kind == "R" and (status == "101" or not status.startswith("1")):
            responses[(status, media_type(content_type))] += 1
    return requests, responses


def compare(rows, reference):
    found = Differences()
    requests, responses, partial = collections.Counter(), collections.Counter(), collections.Counter()
    for row in rows:
        if row["version"] not in ("1.0", "1.1"):
            continue
        if row["method"] is not None:
            requests[(row["method"], row["target"])] += 1
        if row["status"] is not None:
            key = (str(row["status"]), row["response_type"] or "")
            responses[key] += 1
            partial[key] += row["whole"] != "complete"
    found.requests_only_ours, found.requests_missing = requests - reference[0], reference[0] - requests
    extra = responses - reference[1]
    found.excused = (extra & partial).total()
    found.responses_only_ours, found.responses_missing = extra - partial, reference[1] - responses
    return found


def examine(program, shared, row):
    """The problems of one capture, its differences, and how many rows were excused."""
    capture = shared / "captures" / row["file"]
    run = Run(program, "transactions", "--jsonl", capture)
    rows = run.transactions()
    problems = list(run.problems)
    if run.status == 1:
        problems.append(f"was not read: {run.stderr!r}")
    expected = shared / "captures" / "expected" / (row["file"].removeprefix("pcap/") + ".http1.tsv")
    found = compare(rows, read_reference(expected))
    return problems, found.lines(), found.excused


def read_differences(tally, captures):
    reasons, problems = {}, []
    with open(DIFFERENCES, encoding="utf-8") as file:
        lines = file.read().splitlines()[1:]
    for line in lines:
        name, _, reason = line.partition("\t")
        if name in reasons:
            problems.append(f"{name} is listed twice")
        if name not in captures:
            problems.append(f"{name} is no capture")
        if not REASON.search(reason):
            problems.append(f"{name}: the reason names neither a section of an RFC nor a packet: {reason!r}")
        reasons[name] = reason
    most = min(MOST_DIFFERENCES, len(captures) * MOST_PERCENT // 100)
    if len(reasons) > most:
        problems.append(f"{len(reasons)} captures are listed, at most {most} may be")
    tally.check("differences.tsv", problems)
    return reasons


def read_manifest(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def main():
    tally = Tally()
    program, shared = arguments()
    manifest = shared / "captures" / "MANIFEST_pcap.tsv"
    need(tally, manifest)
    rows = read_manifest(manifest)
    reasons = read_differences(tally, {row["file"] for row in rows})
    excused = excused_captures = differing = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool:
        results = pool.map(lambda row: examine(program, shared, row), rows)
        for row, (problems, differences, extra) in zip(rows, results):
            name = row["file"]
            excused += extra
            excused_captures += extra > 0
            differing += bool(differences)
            if name in reasons and not differences:
                problems = problems + ["listed in differences.tsv, but does not differ"]
            if name not in reasons:
                problems = problems + differences
            tally.check(name, problems)
    print(f"{excused} responses in {excused_captures} captures are not complete and not listed by tshark, which lists "
          "only those whose whole body it has: no differences")
    print(f"{differing} of {len(rows)} captures differ, {len(reasons)} of them for a reason stated in differences.tsv")
    tally.finish()


if __name__ == "__main__":
    main()
