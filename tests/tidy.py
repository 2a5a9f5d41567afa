#!/usr/bin/env python3
"""The house rules that a machine can check: who may include whom, where third parties may stand, how long things are.

    tidy.py ROOT        prints what is wrong; the last line is `N passed, N failed, N skipped` (N: files)
"""
import re
import sys
from pathlib import Path

MAX_LINE, MAX_FUNCTION, MAX_FILE = 120, 70, 500

# Which parts of the tree a file may include, by where it stands; the longest prefix decides.
MAY_INCLUDE = {
    "capture/base/": ["capture/base/"],
    "capture/link/": ["capture/base/", "capture/link/"],
    "capture/flow/": ["capture/base/", "capture/link/packet.h", "capture/flow/"],
    "capture/exchange.h": ["capture/base/", "capture/flow/stream.h", "capture/http/anomalies.def"],
    "capture/http/": ["capture/base/", "capture/flow/", "capture/exchange.h", "capture/http/"],
    "capture/": ["capture/"],
    "analyzers/": ["capture/base/", "capture/exchange.h", "analyzers/", "epoch.pb.h"],
    "storage/": ["capture/base/", "analyzers/epoch.h", "storage/", "epoch.pb.h"],
    "daemon/": ["capture/", "analyzers/", "storage/", "daemon/"],
    "tools/": ["capture/", "analyzers/", "storage/", "daemon/", "tools/"],
    "tests/": [""],
}

# The few places where a third party's header may be included. fmt, expected and the system's own may stand anywhere.
THIRD_PARTIES = {
    "pcap/": ["capture/link/frame_filter.cc", "capture/link/live"],
    "rte_": ["capture/link/dpdk"],
    "zlib.h": ["capture/base/decompress.cc"],
    "brotli/": ["capture/base/decompress.cc"],
    "zstd.h": ["capture/base/decompress.cc"],
    "openssl/": ["capture/base/sha256.cc"],
    "llhttp.h": ["capture/http/head.cc"],
    "simdjson.h": ["analyzers/inspect/json_shape.cc", "analyzers/inspect/calls.cc"],
    "expat.h": ["analyzers/inspect/xml_shape.cc", "analyzers/inspect/soap.cc"],
    "nlohmann/": ["analyzers/openapi/", "daemon/", "tools/"],
    "yaml-cpp/": ["analyzers/openapi/source.cc", "analyzers/openapi/yaml.cc", "daemon/config.cc"],
    "rocksdb/": ["storage/"],
    "CLI/": ["daemon/main.cc", "tools/"],
    "httplib.h": ["daemon/control"],
    "spdlog/": ["daemon/log"],
    "sys/capability.h": ["daemon/privileges.cc"],
    "systemd/": ["daemon/"],
    "doctest/": [],
}

BANNED = {
    r"std::regex": "has no bound on its time",
    r"\bshared_ptr\b": "has no owner",
    r"\bthread_local\b": "is state that nobody sees",
    r"\busing namespace\b(?! std::\w*literals)": "hides where names come from",
    r"\b(TODO|FIXME|XXX|HACK)\b": "is a leftover",
}


def strip(source):
    """The source with comments and literals blanked, so that only code is looked at; lines stay where they are."""
    pattern = re.compile(r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.S)
    return pattern.sub(lambda m: '""' + re.sub(r"[^\n]", " ", m.group())[2:], source)


def functions(code):
    """(first line, length) of every function: a brace that opens behind a parenthesis, not inside another function."""
    scopes, start, found = [], 0, []
    for match in re.finditer(r"[{};]", code):
        at = match.start()
        if match.group() == "{":
            head = code[start:at]
            scope = re.search(r"\b(namespace|class|struct|enum|union|extern)\b(?![^{]*\)\s*$)", head)
            kind = "scope" if scope else "block"
            inside = any(k == "function" for k, _ in scopes)
            if kind == "block" and not inside and ")" in head and not re.search(r"=\s*$", head):
                kind = "function"
            scopes.append((kind, code.count("\n", 0, start + len(head) - len(head.lstrip())) + 1))
        elif match.group() == "}" and scopes:
            kind, line = scopes.pop()
            if kind == "function":
                found.append((line, code.count("\n", 0, at) + 2 - line))
        start = at + 1
    return found


def allowed_includes(path):
    prefix = max((p for p in MAY_INCLUDE if path.startswith(p)), key=len)
    return MAY_INCLUDE[prefix]


def check_includes(path, source):
    for number, line in enumerate(source.split("\n"), 1):
        own = re.match(r'#include "(.+)"', line)
        if own and not any(own.group(1).startswith(p) for p in allowed_includes(path)):
            yield number, f'may not include "{own.group(1)}"'
        other = re.match(r"#include <(.+)>", line)
        for header, places in THIRD_PARTIES.items() if other and not path.startswith("tests/") else ():
            if other.group(1).startswith(header) and not any(path.startswith(p) for p in places):
                yield number, f"<{other.group(1)}> is confined to {', '.join(places) or 'tests'}"


def check_cpp(path, source):
    yield from check_includes(path, source)
    code = strip(source)
    for pattern, why in BANNED.items():
        for match in re.finditer(pattern, source if "TODO" in pattern else code):
            yield source.count("\n", 0, match.start()) + 1, f"{match.group()} {why}"
    for line, length in functions(code):
        if length > MAX_FUNCTION:
            yield line, f"a function of {length} lines, more than {MAX_FUNCTION}"
    if path.endswith(".h") and "#pragma once" not in source:
        yield 1, "a header without #pragma once"
    if path.endswith(".h") and not source.startswith("//"):
        yield 1, "a header that does not begin by saying what it is for"


def check(path, source):
    lines = source.split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            yield number, f"{len(line)} characters, more than {MAX_LINE}"
        if line != line.rstrip():
            yield number, "white space at the end"
    if len(lines) - 1 > MAX_FILE:
        yield 1, f"{len(lines) - 1} lines, more than {MAX_FILE}"
    if path.endswith((".h", ".cc", ".def")):
        yield from check_cpp(path, source)


def main():
    root = Path(sys.argv[1])
    suffixes = {".h", ".cc", ".def", ".py", ".build", ".proto"}
    rooms = ["capture", "analyzers", "storage", "daemon", "tools", "tests"]
    files = sorted(f for room in rooms for f in (root / room).rglob("*")
                   if f.is_file() and (f.suffix in suffixes or f.parent.name == "tools"))
    failed = 0
    for file in files:
        path = str(file.relative_to(root))
        problems = list(check(path, file.read_text(encoding="utf-8")))
        failed += bool(problems)
        for line, what in problems:
            print(f"{path}:{line}: {what}")
    print(f"{len(files) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
