"""Traffic of the lab: `specular transactions` beside the lab's own log of what it sent.

Whatever the mirror does to the packets: every transaction that is completely in the capture is told, once, with its
method, host, target and status; and nothing is told that was not sent, be it a request or a pair of request and status.
"""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from common import Run, Tally, arguments, need

TRANSACTIONS = 2000
SHOWN = 10
VARIANTS = [
    ("plain", 1, []),
    ("two mirror sessions", 2, ["--vxlan", "7,8"]),
    ("two mirror sessions that lose, delay and repeat", 1, ["--vxlan", "7,8", "--impair", "loss=0.5,reorder=2,dup=1"]),
    ("the same with other losses", 3, ["--vxlan", "7,8", "--impair", "loss=0.5,reorder=2,dup=1"]),
    ("many losses", 4, ["--impair", "loss=3,reorder=5,window=8,dup=3,overlap=2"]),
]


def generate(lab, folder, seed, options):
    """The capture, and the log of what is in it."""
    capture, log = folder / "x.pcap", folder / "x.jsonl"
    command = [sys.executable, "-B", lab / "from_openapi.py", lab / "specs" / "shop.json", "--transactions",
               TRANSACTIONS, "--seed", seed, "--out", capture, "--truth", folder / "x.json", "--requests", log]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([str(part) for part in command + options], check=True, env=environment, stdout=subprocess.DEVNULL)
    return capture, [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def socket_text(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def connection_of(row):
    return socket_text(row["client"], row["client_port"]), socket_text(row["server"], row["server_port"])


def request_of(row, connection):
    return *connection, row["method"], row["host"], row["target"]


def surplus(name, found, sent):
    """What was found more often than it was sent."""
    extra = found - sent
    return [f"{name}, told {found[key]} times, sent {sent[key]} times: {key}" for key in list(extra)[:SHOWN]]


def compare(rows, log):
    sent, paired, statuses, whole = (collections.Counter() for _ in range(4))
    for row in log:
        connection = (row["client"], row["server"])
        request = request_of(row, connection)
        sent[request] += 1
        paired[(*request, row["status"])] += 1
        statuses[(*connection, row["status"])] += 1
        whole[(*request, row["status"])] += row["request_ok"] and row["response_ok"]
    found, found_paired, found_statuses, complete = (collections.Counter() for _ in range(4))
    for row in rows:
        connection = connection_of(row)
        request = request_of(row, connection)
        if row["method"] is not None:
            found[request] += 1
        if row["status"] is not None:
            found_statuses[(*connection, row["status"])] += 1
        if row["method"] is not None and row["status"] is not None:
            found_paired[(*request, row["status"])] += 1
            complete[(*request, row["status"])] += row["whole"] == "complete"
    problems = surplus("a request", found, sent)
    problems += surplus("a request with that status", found_paired, paired)
    problems += surplus("a response", found_statuses, statuses)
    missing = whole - found_paired
    problems += [f"completely in the capture, but not told: {key}" for key in list(missing)[:SHOWN]]
    damaged = whole - complete - missing
    problems += [f"completely in the capture, but not told as complete: {key}" for key in list(damaged)[:SHOWN]]
    return problems, whole.total()


def examine(program, lab, folder, seed, options):
    capture, log = generate(lab, folder, seed, options)
    run = Run(program, "transactions", "--jsonl", capture)
    rows = run.transactions()
    problems = list(run.problems)
    if run.status != 0:
        problems.append(f"exit status {run.status}: {run.stderr[:500]}")
    differences, whole = compare(rows, log)
    tunnels = {row["tunnel"] for row in rows}
    wanted = {"vxlan:7", "vxlan:8"} if "--vxlan" in options else {None}
    if not tunnels or not tunnels <= wanted:
        differences.append(f"tunnels {tunnels}")
    if len(log) < TRANSACTIONS or whole < TRANSACTIONS // 2:
        differences.append(f"the lab sent {len(log)} transactions, {whole} of them completely in the capture")
    return problems + differences, len(log), whole, len(rows)


def main():
    tally = Tally()
    program, shared = arguments()
    lab = shared / "lab"
    need(tally, lab / "from_openapi.py")
    for name, seed, options in VARIANTS:
        with tempfile.TemporaryDirectory() as folder:
            problems, sent, whole, told = examine(program, lab, pathlib.Path(folder), seed, options)
        print(f"{name}: {sent} transactions sent, {whole} completely in the capture, {told} rows told")
        tally.check(name, problems)
    tally.finish()


if __name__ == "__main__":
    main()
