"""What comes from the wire is hostile: nothing of it reaches a terminal raw, and JSON stays JSON."""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import unittest

from harness import SPECULAR, CommandTest, environment
from wire import SECOND, START, Frame, chunked, connection, connections, head_only, in_vxlan, message, request, response

try:
    import yaml
except ImportError:
    yaml = None

ESCAPES = b"\x1b[2J\x1b]0;owned\x07\x1b[31m"
NASTY = {
    "escapes": ESCAPES,
    "controls": bytes(set(range(1, 32)) - {10, 13}) + b"\x7f",
    "c1": "\x9b31m\x85\x90".encode(),                     # CSI, NEL and DCS as one character
    "c1_bytes": b"\x9b31m\x90",
    "bidirectional": "abc\u202egpj.exe\u2066\u200b\u2028".encode(),
    "not_utf8": b"\xff\xfe\xc0\x80\xed\xa0\x80\xf5\x80\x80\x80",
    "cut_utf8": b"abc\xe2\x82",
    "markup": b"<script>alert(1)</script>'\"`${x}{{y}}",
    "formula": b"=cmd|' /C calc'!A0,+1,-1,@x",
    "json": b'","injected":true,"x":"\\u0000\\',
    "yaml": b": }\\n- !!python/object:os.system {a: b} # &a *a",
    "nul": b"a\0b",
    "percent": b"%00%1b%5b2J%0a%0d%ff",
    "unicode": "ünïcödé 中文 🙂".encode(),
}
LONG = 60_000
OK = response()


def is_harmless(character):
    code = ord(character)
    control = code < 32 and character != "\n" or 0x7f <= code < 0xa0
    unseen = 0x200b <= code <= 0x200f or 0x2028 <= code <= 0x202e or 0x2060 <= code <= 0x206f or code == 0xfeff
    return not control and not unseen


def odd_calls(text):
    """Requests and responses with this text wherever text can stand."""
    word = text.replace(b" ", b"_").replace(b"\t", b"_")
    plain = request("GET", "/v1/users")
    return [
        (request("GET", b"/v1/" + word), response(body=b"a")),
        (request("GET", b"/v1/users?" + word + b"=" + word), response(body=b"ab")),
        (request(word[:40] or b"X", "/v1/method"), response(body=b"abc")),
        (request("GET", "/v1/host", host=text), response(body=b"abcd")),
        (request("GET", "/v1/agent", headers=[("User-Agent", text)]), response(body=b"abcde")),
        (request("GET", "/v1/name", headers=[(b"X-" + word, "1"), ("Authorization", word + b" abc"),
                                             ("Cookie", word + b"session=1")]), response(body=b"abcdef")),
        (request("POST", "/v1/type", body=b"{}", content_type=text), response(content_type=text)),
        (plain, message(b"HTTP/1.1 200 " + text, [("Content-Length", "0"), (b"X-" + word, text)], b"")),
        (plain, head_only(302, [("Location", text), ("Content-Length", "0")])),
    ]


def odd_frames(text, number=0):
    return connections(odd_calls(text), client=f"10.7.0.{number}", server=f"10.8.0.{number}:80", at=START + number)


class HostileTest(CommandTest):
    def harmless(self, result):
        """All that was printed, as text: UTF-8 without a character that a terminal acts upon."""
        for printed in (result.out, result.err):
            bad = sorted({c for c in printed if not is_harmless(c)})
            self.assertEqual([], bad, result)
        return result


class EveryCommand(HostileTest):
    """Each text, in each place, through each command."""

    def commands(self, capture, store):
        yield "transactions", capture
        for form in ("--json", "--jsonl"):
            yield "transactions", form, "--sha256", capture
        yield "analyze", "--store", store, capture
        for form in ([], ["--json"], ["--jsonl"]):
            yield "endpoints", "--all", *form, "--store", store
            yield "coverage", *form, "--store", store

    def test_nothing_reaches_the_terminal_raw_and_json_is_valid(self):
        for number, (name, text) in enumerate(NASTY.items()):
            with self.subTest(name):
                capture, store = self.capture(odd_frames(text, number)), self.folder / name
                for command in self.commands(capture, store):
                    result = self.harmless(self.specular(*command))
                    self.assertTrue(result.out, command)
                    if "--json" in command:
                        self.assertTrue(result.json(), command)
                    if "--jsonl" in command:
                        self.assertTrue(result.lines(), command)

    def test_json_is_ascii(self):
        capture = self.capture([f for n, text in enumerate(NASTY.values()) for f in odd_frames(text, n)])
        for command in ("transactions", "analyze"):
            told = self.specular(command, "--json", capture).out
            self.assertTrue(told.isascii(), command)
            self.assertIn("\\u", told, command)

    def test_text_that_is_valid_is_told_as_sent(self):
        text = "Ünïcode 中文 🙂 \"quoted\" \\ <b>"
        found = self.transaction_of(request("GET", "/a", headers=[("User-Agent", text.encode())]), OK)
        self.assertEqual(text, found["user_agent"])

    def test_a_line_of_the_table_is_a_row_whatever_is_in_it(self):
        for number, text in enumerate(NASTY.values()):
            capture = self.capture(odd_frames(text, number))
            rows = self.specular("transactions", "--jsonl", capture).lines()
            self.assertEqual(len(rows) + 1, len(self.specular("transactions", capture).out.split("\n")) - 1)

    def test_documents_in_yaml(self):
        for number, (name, text) in enumerate(NASTY.items()):
            with self.subTest(name):
                place = self.folder / name
                self.harmless(self.specular("analyze", "--openapi", place, self.capture(odd_frames(text, number))))
                for file in place.iterdir():
                    self.assertRegex(file.name, r"^[a-z0-9._-]+\.yaml$")
                    content = file.read_bytes().decode("utf-8")
                    self.assertEqual([], sorted({c for c in content if not is_harmless(c)}), file)

    def test_documents_in_both_formats_say_the_same(self):
        for number, (name, text) in enumerate(NASTY.items()):
            with self.subTest(name):
                store, place = self.store_of(self.capture(odd_frames(text, number))), self.folder / name
                for form in ("json", "yaml"):
                    self.harmless(self.specular("openapi", "export", "--format", form, "-o", f"{place}/", "--store",
                                                store))
                self.assertTrue(list(place.glob("*.json")))
                for file in place.glob("*.json"):
                    document = json.loads(file.read_text(encoding="utf-8"))
                    self.assertTrue(document["paths"])
                    if yaml is not None:
                        self.assertEqual(document,
                                         yaml.safe_load(file.with_suffix(".yaml").read_text(encoding="utf-8")))

    def test_text_that_is_not_utf8_does_not_spoil_the_store(self):
        for name in ("c1_bytes", "not_utf8", "cut_utf8"):
            for number, call in enumerate(odd_calls(NASTY[name])):
                with self.subTest(f"{name} in place {number}"):
                    store = self.store_of(self.capture(connections([call])))
                    self.listed(store)
                    self.specular("analyze", "--store", store,
                                  self.capture(connections([(request("GET", "/v1/good"), OK)])))
                    self.assertIn("/v1/good", [e["path"] for e in self.listed(store)])

    def test_details(self):
        frames = [f for n, text in enumerate(NASTY.values()) for f in odd_frames(text, n)]
        store, shown_ones = self.store_of(self.capture(frames)), 0
        for endpoint in self.listed(store):
            where = endpoint["host"], endpoint["method"], endpoint["path"]
            if all(c.isascii() and c.isprintable() and c != "\ufffd" for part in where for c in part):
                shown = self.harmless(self.specular("endpoints", "show", *where, "--store", store))
                self.assertIn("requests:", shown.out)
                shown_ones += 1
                self.harmless(self.specular("endpoints", "show", *where, "--json", "--store", store)).json()
        self.assertGreater(shown_ones, 15)

    def test_names_of_files_in_messages(self):
        for name in ("\x1b[31mred", "new\nline", "bell\x07"):
            result = self.harmless(self.specular("transactions", self.folder / name, status=1))
            self.assertEqual(1, len(result.err.splitlines()), result)
        folder = self.file("captures/\x1b[2Jnotes.txt", "no capture").parent
        self.harmless(self.specular("transactions", folder))

    def test_what_configurations_say(self):
        for text in ("\x1b", "\x9b31m"):
            config = self.config(f'"{text}": 1\n')
            self.says(self.harmless(self.specular("analyze", "--config", config, self.capture([]), status=2)), config)


class Large(HostileTest):
    def told(self, *calls):
        """Analysis and transactions of the calls beside a normal one, which must not suffer."""
        normal = (request("GET", "/v1/normal", host="normal.test"), OK)
        capture = self.capture(connections([*calls, normal]))
        found = self.harmless(self.specular("analyze", "--json", capture)).json()
        self.assertIn(("normal.test", "/v1/normal"), [(e["host"], e["path"]) for e in found])
        self.harmless(self.specular("transactions", capture))
        return found, self.transactions(capture)

    def test_long_paths(self):
        _, found = self.told((request("GET", "/" + "a" * LONG), OK), (request("GET", "/x" * (LONG // 2)), OK))
        self.assertEqual(LONG + 1, len(found[0]["target"]))

    def test_long_queries(self):
        query = "&".join(f"name{i}=value{i}" for i in range(3000))
        found, _ = self.told((request("GET", f"/v1/search?{query}"), OK),
                             (request("GET", "/v1/search?" + "&" * LONG), OK))
        self.assertEqual([2], [e["requests"] for e in found if e["path"] == "/v1/search"])

    def test_long_hosts(self):
        found, _ = self.told((request("GET", "/v1/a", host="h" * LONG), OK))
        self.assertLess(max(len(e["host"]) for e in found), 1000)

    def test_long_methods(self):
        self.told((request("M" * 1000, "/v1/a"), OK), (request("X" * LONG, "/v1/a"), OK))

    def test_many_and_long_headers(self):
        headers = [(f"X-Header-{i}", "v" * 20) for i in range(1500)]
        self.told((request("GET", "/v1/a", headers=headers), OK),
                  (request("GET", "/v1/b", headers=[("X" * 30_000, "v" * 30_000)]), OK))

    def test_heads_without_an_end(self):
        self.told((b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 300_000, OK))

    def test_many_methods_statuses_types_and_ways_to_authenticate(self):
        calls = [(request(f"METHOD{i}", "/v1/a"), response(100 + i % 900)) for i in range(500)]
        calls += [(request("GET", "/v1/b", headers=[("Authorization", f"Scheme{i} x")]), response(200 + i % 400))
                  for i in range(300)]
        calls += [(request("POST", "/v1/c", body=b"{}", content_type=f"type/{i}"),
                   response(content_type=f"type/{i}")) for i in range(300)]
        calls += [(request("GET", f"/v1/d?name{i}=1", headers=[(f"X-Name-{i}", "1")]), OK) for i in range(300)]
        found, _ = self.told(*calls)
        row = next(e for e in found if e["path"] == "/v1/b")
        self.assertEqual(300, row["requests"])
        self.assertLess(len(row["auth"]), 100)
        self.assertEqual(300, sum(row["statuses"].values()))

    def test_many_endpoints_stay_below_the_ceiling(self):
        config = self.config("inventory:\n  max_endpoints: 200\n")
        calls = [(request("GET",
                          f"/{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}/{chr(97 + i // 9 % 26)}x/{chr(97 + i % 23)}y"),
                  response(body=b"x" * (i + 1))) for i in range(1000)]
        found = self.endpoints(connections(calls), config=config)
        self.assertLessEqual(len(found), 200)
        self.assertGreater(len(found), 50)

    def test_deep_and_strange_paths(self):
        paths = ["/../../etc/passwd", "/./././", "//", "/" * 5000, "/a/../../b", "/%2e%2e/%2F", "/;x=1;y", "/%",
                 "/%zz", "*", "http://", "http://x", "://", "?", "#", "", "/a?b?c#d?e", "/\\..\\x"]
        calls = [(request("GET", path), response(body=b"x" * (i + 1))) for i, path in enumerate(paths)]
        found, _ = self.told(*calls)
        for endpoint in found:
            self.assertTrue(endpoint["path"].startswith("/"), endpoint)
            self.assertNotIn("..", endpoint["path"].split("/"))


class BrokenMessages(HostileTest):
    def survives(self, *calls):
        """The calls make no harm, and one after them is found."""
        capture = self.capture(connections([*calls, (request("GET", "/v1/after", host="after.test"), OK)]))
        found = self.harmless(self.specular("analyze", "--json", capture)).json()
        self.assertIn(("after.test", "/v1/after"), [(e["host"], e["path"]) for e in found])
        found = self.harmless(self.specular("transactions", "--json", "--sha256", capture)).json()
        self.assertEqual(("after.test", "complete"), (found[-1]["host"], found[-1]["whole"]))

    def test_lengths_and_chunks(self):
        post = b"POST /x HTTP/1.1\r\nHost: a\r\n"
        lengths = [b"-1", b"99999999999999999999", b"0x10", b"1, 2", b"", b"+5", b"5 5", b"\x1b[2J"]
        self.survives(*((post + b"Content-Length: " + n + b"\r\n\r\nhello", OK) for n in lengths))
        sizes = [b"fffffffffffffffff", b"-1", b"zz", b"5;" + ESCAPES, b"", b"7fffffffffffffff"]
        self.survives(*((post + b"Transfer-Encoding: chunked\r\n\r\n" + n + b"\r\nhello\r\n0\r\n\r\n", OK)
                        for n in sizes))

    def test_heads(self):
        heads = [b"GET\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\n\n",
                 b"GET / HTTP/1.1\r\n: x\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                 b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
                 b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", b"GET  /  HTTP/1.1\r\n\r\n", b" GET / HTTP/1.1\r\n\r\n"]
        answers = [OK, b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n", b"HTTP/1.1 99999 OK\r\n\r\n",
                   b"HTTP/1.1 000 \r\n\r\n", b"nonsense"]
        self.survives(*((head, answer) for head in heads for answer in answers))

    def test_every_prefix_of_a_call(self):
        asked = request("POST", "/v1/a", body=b'{"a":1}', content_type="application/json")
        answered = chunked(head_only(200), b"x" * 30)
        self.survives(*((asked[:i], OK) for i in range(1, len(asked))),
                      *((asked, answered[:i]) for i in range(1, len(answered))))

    def test_every_byte_of_a_call_replaced(self):
        asked = request("POST", "/v1/a", body=b'{"a":1}', content_type="application/json")
        self.survives(*((asked[:i] + bytes([value]) + asked[i + 1:], OK) for i in range(len(asked))
                        for value in (0, 0x1b, 0xff)))

    def test_tunnels_of_any_content(self):
        whole = in_vxlan(connection([(request("GET", "/v1/a"), OK)]), 7)[3].data
        frames = [Frame(START + i, whole[:i] + b"\xff" + whole[i + 1:]) for i in range(len(whole))]
        frames += connection([(request("GET", "/v1/after"), OK)], client="10.0.0.77:77", at=START + SECOND)
        found = self.harmless(self.specular("analyze", "--json", self.capture(frames))).json()
        self.assertIn("/v1/after", [e["path"] for e in found])


class Terminal(HostileTest):
    """Output to a terminal: as wide as that is, and no wider."""

    def on_terminal(self, columns, *arguments, **variables):
        outer, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        process = subprocess.Popen([SPECULAR, *map(str, arguments)], stdout=inner, stderr=subprocess.DEVNULL,
                                   stdin=subprocess.DEVNULL,
                                   env=environment(TERM="xterm-256color", **variables))
        os.close(inner)
        printed = b""
        while True:
            try:
                part = os.read(outer, 65536)
            except OSError:
                break
            if not part:
                break
            printed += part
        os.close(outer)
        self.assertEqual(0, process.wait(60))
        return printed.decode("utf-8").replace("\r\n", "\n")

    def test_lines_fit_the_width(self):
        calls = [(request("GET", f"/v1/a/rather/long/path/that/goes/on/and/on/{i}"), OK) for i in range(3)]
        capture = self.capture(connections(calls))
        for columns in (100, 150):
            lines = self.on_terminal(columns, "transactions", capture).splitlines()
            self.assertEqual(4, len(lines))
            self.assertLessEqual(max(map(len, lines)), columns)

    def test_hostile_text_is_escaped_there_too(self):
        capture = self.capture([f for n, text in enumerate(NASTY.values()) for f in odd_frames(text, n)])
        printed = re.sub(r"\x1b\[\d*(;\d+)*m", "", self.on_terminal(200, "transactions", capture))
        self.assertIn("/v1/agent", printed)
        self.assertEqual([], sorted({c for c in printed if not is_harmless(c)}))

    def test_no_colours_if_not_wanted(self):
        capture = self.capture(connections([(request("GET", "/v1/users"), response(500))]))
        printed = self.on_terminal(120, "transactions", capture, NO_COLOR="1")
        self.assertIn("/v1/users", printed)
        self.assertNotIn("\x1b", printed)


if __name__ == "__main__":
    unittest.main()
