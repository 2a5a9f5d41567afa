"""llhttp's own cases as TCP conversations: what `specular transactions` tells must be what llhttp tells.

A case is a markdown section with an ```http block (the bytes) and a ```log block (the parser's events). Requests are
sent by the client, responses by the server, then the connection is closed; all cases are one capture. Compared are the
messages whose head is complete: methods and targets or statuses, in order, and of those that are complete the body.
Cases that llhttp refuses, and those of its lenient modes, only have to be survived.
"""
import hashlib
import json
import pathlib
import re
import tempfile

from common import Run, Tally, arguments, need
from pcap import Capture

# Where specular differs on purpose, by file and heading.
DELIBERATE = {
    "request/method: SOURCE request with ICE": "ICE/1.0 is no version of HTTP (RFC 9112 section 2.3)",
    "request/method: OPTIONS request with RTSP": "RTSP/1.0 is no version of HTTP (RFC 9112 section 2.3)",
    "request/method: ANNOUNCE request with RTSP": "RTSP/1.0 is no version of HTTP (RFC 9112 section 2.3)",
    "request/method: CONNECT with body":
        "nobody has agreed to the tunnel, and RFC 9112 section 6.3 has a Content-Length hold for any request",
}
# llhttp stops where the protocol may change; that is no refusal. What follows is not HTTP to it.
PAUSES = ("Pause on CONNECT/Upgrade", "Pause on PRI/Upgrade")


def unescape(text):
    """The bytes of an ```http block, by the rules of llhttp's test runner."""
    text = text.removesuffix("\n")
    text = re.sub(r"\\(\r\n|\r|\n)", "", text)
    text = re.sub(r"\r\n|\r|\n", "\r\n", text)
    for escape, char in (("\\r", "\r"), ("\\n", "\n"), ("\\t", "\t"), ("\\f", "\f")):
        text = text.replace(escape, char)
    text = re.sub(r"\\x([0-9a-fA-F]+)", lambda m: chr(int(m[1], 16)), text)
    text = re.sub(r"\\([0-7]{1,3})", lambda m: chr(int(m[1], 8)), text)
    return text.encode("utf-8")


class Case:
    def __init__(self, name, meta, data, log):
        self.name, self.data, self.log = name, data, log
        self.is_request = meta["type"].startswith("request")
        self.is_strict = "lenient" not in meta["type"]
        self.messages = []  # with a complete head; dicts of method and url or code, body, complete
        self.cut_head = False  # at the end
        self.error = None
        self.misread = []  # spans that are not where the log says: the block was not read as llhttp reads it
        self._read_log()

    @property
    def compared(self):
        return self.is_strict and (self.error is None or self.error in PAUSES)

    def _read_log(self):
        message = None
        for line in self.log.splitlines():
            if found := re.fullmatch(r"off=(\d+) len=(\d+) span\[(\w+)\]=(.*)", line):
                span = self.data[int(found[1]):int(found[1]) + int(found[2])]
                message[found[3]] = message.get(found[3], b"") + span
                if found[4] not in ("cr", "lf") and found[4] != f'"{span.decode()}"' and "\\" not in found[4]:
                    self.misread.append(f"{found[4]} is {span}")
            elif re.fullmatch(r"off=\d+ message begin", line):
                message, self.cut_head = {}, True
            elif found := re.match(r"off=\d+ headers complete (method|status)=(\d+) ", line):
                message["code"] = int(found[2]) if found[1] == "status" else None
                self.messages.append(message)
                self.cut_head = False
            elif re.fullmatch(r"off=\d+ message complete", line):
                message["complete"] = True
            elif found := re.fullmatch(r'off=\d+ error code=\d+ reason="(.*)"', line):
                self.error = found[1]


def read_cases(path):
    """Sections have a heading, a comment with the meta data, and the two blocks."""
    cases, heading, meta, blocks, kind = [], "", None, {}, None
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if kind is None and line.startswith("```"):
            kind = line.strip("`\n ")
            blocks[kind] = ""
        elif kind is not None and line.rstrip() == "```":
            if kind == "log":
                name = f"{path.parent.name}/{path.stem}: {heading}"
                cases.append(Case(name, meta, unescape(blocks["http"]), blocks["log"]))
            kind = None
        elif kind is not None:
            blocks[kind] += line
        elif line.startswith("#"):
            heading = line.strip("# \n")
        elif found := re.match(r"<!-- meta=(\{.*\}) *-->", line):
            meta = json.loads(found[1])
    return cases


def digest(body):
    return hashlib.sha256(body).hexdigest() if body else None


def expected_of(case):
    rows = []
    for message in case.messages:
        head = ((message["method"].decode(), message["url"].decode("utf-8", "replace")) if case.is_request
                else (message["code"],))
        body = message.get("body", b"")
        # A body that the end of the connection ends is complete then, though llhttp was not told.
        rows.append((head, (len(body), digest(body)) if message.get("complete") else None))
    # Interim responses are no transactions.
    return [row for row in rows if case.is_request or row[0][0] == 101 or row[0][0] >= 200]


def found_of(case, rows):
    side = "request" if case.is_request else "response"
    found = []
    for row in rows:
        head = (row["method"], row["target"]) if case.is_request else (row["status"],)
        if head[0] is not None:
            found.append((head, (row[f"{side}_bytes"], row[f"{side}_sha256"])))
    return found


def compare(case, rows):
    expected, found = expected_of(case), found_of(case, rows)
    # A head that the end of the connection cuts off may be told, as far as it goes.
    if case.cut_head and len(found) == len(expected) + 1:
        found.pop()
    same = len(expected) == len(found) and all(
        e[0] == f[0] and (e[1] is None or e[1] == f[1]) for e, f in zip(expected, found))
    if same:
        return []
    return [f"sent     {case.data!r}", f"expected {expected}", f"found    {found}",
            f"llhttp   {case.error or 'no error'}"]


def main():
    tally = Tally()
    program, shared = arguments()
    folder = shared / "corpora" / "http_parser" / "llhttp"
    need(tally, folder)
    cases = [case for path in sorted(folder.glob("*/*.md")) for case in read_cases(path)]
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "cases.pcap"
        with Capture(path) as capture:
            ports = [capture.conversation(case.data, b"") if case.is_request else capture.conversation(b"", case.data)
                     for case in cases]
        run = Run(program, "transactions", "--jsonl", "--sha256", path)
    by_port = {}
    for row in run.transactions():
        by_port.setdefault(min(row["client_port"], row["server_port"], key=lambda p: p == 80), []).append(row)
    survived = list(run.problems)
    if run.status != 0:
        survived.append(f"exit status {run.status}: {run.stderr[:500]}")
    tally.check(f"all {len(cases)} cases are survived", survived)
    tally.check("the cases are there", [] if len(cases) >= 130 else [f"only {len(cases)} cases were found"])
    tally.check("the cases are read as llhttp reads them",
                [f"{case.name}: {problem}" for case in cases for problem in case.misread])
    differ = set()
    for case, port in zip(cases, ports):
        if not case.compared:
            continue
        problems = compare(case, by_port.get(port, []))
        if case.name in DELIBERATE:
            differ.add(case.name)
            problems = [] if problems else ["listed as different on purpose, but does not differ"]
        tally.check(case.name, problems)
    stale = sorted(set(DELIBERATE) - differ)
    tally.check("every difference listed is of a case", [f"no case {name}" for name in stale])
    for name in sorted(differ):
        print(f"differs on purpose: {name}: {DELIBERATE[name]}")
    refused = sum(not case.compared for case in cases)
    print(f"{len(cases)} cases, {refused} of them refused by llhttp or lenient, and only survived")
    tally.finish()


if __name__ == "__main__":
    main()
