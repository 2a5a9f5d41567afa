"""Beside a daemon that has the store open: what the commands ask it, and what they say where they cannot."""
import fcntl
import json
import os
import pwd
import grp
import shutil
import socket
import subprocess
import threading
import unittest

from harness import SPECULAR, CommandTest, Result, environment, run
from wire import connections, in_vxlan, merged, request, response

OK = response()
CALLS = [(request("GET", f"/v1/users/{i}", host="a.test"), OK) for i in range(5)]
OTHERS = [(request("GET", "/v1/orders?page=1", host="b.test"), OK),
          (request("GET", "/logo.png", host="b.test"), response(content_type="image/png"))]
SHOW = ["endpoints", "show", "a.test", "GET", "/v1/users/{id}"]
NOBODY = 65534
# What a daemon of another version, or one that is not to be trusted, could say.
ODD_STATUS = {"version": "1.2.3", "state": "running", "healthy": False, "why": "5.1 % of the frames\x1b[31m",
              "started": "2026-01-01T00:00:00.000000000Z", "uptime_s": 93784, "packet_time": None,
              "rates": {"frames_per_s": 1234.4, "bits_per_s": 9.87e8}, "totals": {"frames": 77777},
              "interfaces": [{"interface": "evil\x1b[31m", "state": "up", "frames": 4711}],
              "shards": [{"shard": 0, "kept_share": 0.5, "ring_filled": None}], "memory_bytes": 3 << 20,
              "store": {"path": "/x", "failing": "no space left"}, "unheard_of": [1]}


def ok(body):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class BesideDaemonTest(CommandTest):
    def setUp(self):
        super().setUp()
        frames = merged(connections(CALLS), in_vxlan(connections(OTHERS, client="10.0.0.9"), 7))
        self.store = self.store_of(self.capture(frames))

    def lock(self):
        """The store is in use by one who is not asked."""
        file = open(self.store / "LOCK", "r+b")
        self.addCleanup(file.close)
        fcntl.lockf(file, fcntl.LOCK_EX)

    def answered_by(self, answer, *command, status=1):
        """What the command says of one who has the store locked and answers so."""
        self.lock()
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(str(self.store / "control.sock"))
        server.listen()

        def serve():
            for _ in range(2):  # the first connection only looks whether somebody is there
                peer = server.accept()[0]
                with peer:
                    if peer.recv(10000):
                        peer.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        result = self.specular(*command, "--store", self.store, status=status)
        thread.join(30)
        return result

    def as_nobody(self, *arguments):
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")

        def become_nobody():
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

        done = subprocess.run([SPECULAR, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=become_nobody, env=environment(), timeout=60, check=False)
        return Result(arguments, done.returncode, done.stdout, done.stderr)


class Answers(BesideDaemonTest):
    COMMANDS = (["endpoints"], ["endpoints", "--all"], ["endpoints", "--host", "B.test"], ["coverage"], SHOW,
                ["openapi", "export", "--host", "a.test"],
                ["openapi", "export", "--host", "b.test", "--format", "json"])

    def told(self):
        told = {}
        for command in self.COMMANDS:
            for form in ([], ["--json"], ["--jsonl"]):
                result = self.specular(*command, *form, "--store", self.store)
                self.assertEqual("", result.err)
                told[*command, *form] = result.out
        return told

    def test_are_those_of_the_store_at_rest_byte_by_byte(self):
        at_rest = self.told()
        self.hold()
        beside = self.told()
        self.assertEqual(at_rest, beside)
        self.assertIn("/v1/users/{userId}", beside["endpoints",])

    def test_documents_of_all_hosts_are_the_same_files(self):
        def files(folder):
            self.specular("openapi", "export", "--store", self.store, "-o", folder)
            return {file.name: file.read_text() for file in folder.iterdir()}

        at_rest = files(self.path("rest/x").parent)
        self.hold()
        self.assertEqual(at_rest, files(self.path("beside/x").parent))
        self.assertEqual({"a.test.yaml", "b.test.yaml"}, set(at_rest))

    def test_what_is_not_found_is_told_as_at_rest(self):
        commands = (["endpoints", "show", "a.test", "PUT", "/v1/nothing"], ["openapi", "export", "--host", "none"],
                    ["openapi", "export"])
        at_rest = [(r.status, r.err) for r in (run(*c, "--store", self.store) for c in commands)]
        self.hold()
        beside = [(r.status, r.err) for r in (run(*c, "--store", self.store) for c in commands)]
        self.assertEqual(at_rest, beside)
        self.assertEqual([1, 1, 2], [status for status, _ in beside])

    def test_the_socket_may_stand_elsewhere(self):
        self.hold()
        elsewhere = self.folder / "other.sock"
        os.rename(self.store / "control.sock", elsewhere)
        self.one_line(self.specular("endpoints", "--store", self.store, status=1), "no daemon answers",
                      self.store / "control.sock")
        config = self.config(f"control: {{listen: {elsewhere}}}\n")
        self.assertEqual(2, len(self.rows("endpoints", "--store", self.store, "--config", config)))
        self.assertEqual("running", self.specular("status", "--json", "--config", config).json()["state"])

    def test_a_store_at_rest_is_read_though_a_socket_was_left_behind(self):
        process = self.hold()
        process.kill()
        process.wait()
        self.assertTrue((self.store / "control.sock").is_socket())
        self.assertEqual(2, len(self.rows("endpoints", "--store", self.store)))
        self.one_line(self.specular("status", "--store", self.store, status=1), "no daemon answers")


class Refused(BesideDaemonTest):
    def test_a_locked_store_without_a_socket(self):
        self.lock()
        for command in (["endpoints"], SHOW, ["coverage"], ["openapi", "export"]):
            result = self.specular(*command, "--store", self.store, status=1)
            self.assertEqual("", result.out)
            self.one_line(result, "another process", "no daemon answers at", self.store / "control.sock")

    def test_who_may_ask_is_named(self):
        os.chmod(self.folder, 0o755)
        os.chmod(self.store, 0o755)
        self.hold()
        owner, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        for command in (["endpoints"], ["status"]):
            result = self.as_nobody(*command, "--store", self.store)
            self.assertEqual(1, result.status, result)
            self.one_line(result, "you may not ask", self.store / "control.sock", f"user {owner}", f"group {group}")

    def test_a_store_that_is_closed_to_the_user(self):
        os.chmod(self.folder, 0o755)
        os.chmod(self.store, 0o700)
        result = self.as_nobody("coverage", "--store", self.store)
        self.assertEqual(1, result.status, result)
        self.one_line(result, self.store, "not open to you", "user")

    def test_whoever_may_use_the_socket_need_not_read_the_store(self):
        os.chmod(self.folder, 0o755)
        os.chmod(self.store, 0o711)
        self.hold()
        os.chmod(self.store / "control.sock", 0o666)
        result = self.as_nobody("endpoints", "--json", "--store", self.store)
        self.assertEqual(0, result.status, result)
        self.assertEqual(2, len(result.json()))

    def test_one_who_breaks_off(self):
        self.one_line(self.answered_by(b"", "coverage"), "broke off")

    def test_one_who_is_no_daemon(self):
        self.one_line(self.answered_by(ok(b"<html/>"), "coverage"), "no daemon of this kind")

    def test_rows_of_another_version(self):
        """What is missing in them, or is of another type, is told; nothing falls over."""
        for rows in ([{"host": "a.test"}], [1], [{"network": 7}]):
            with self.subTest(rows=rows):
                if (self.store / "control.sock").exists():
                    (self.store / "control.sock").unlink()
                said = self.answered_by(ok(json.dumps(rows).encode()), "endpoints").err
                self.assertIn("another version", said)

    def test_an_error_is_told_escaped(self):
        body = json.dumps({"error": "no\x1b[31m red\nline"}).encode()
        result = self.answered_by(ok(body).replace(b"200 OK", b"500 Oh"), "coverage")
        self.one_line(result, "no\\x1b[31m red\\x0aline")


class Status(BesideDaemonTest):
    def test_tells_of_the_daemon(self):
        self.hold()
        status = self.specular("status", "--json", "--store", self.store).json()
        self.assertEqual(("running", True, None), (status["state"], status["healthy"], status["why"]))
        self.assertEqual(2, status["judge"]["hosts"])
        self.assertEqual(str(self.store), status["store"]["path"])
        self.assertEqual(f"{self.folder}/captures", status["folder"]["path"])
        self.assertEqual(status.keys(), self.specular("status", "--jsonl", "--store", self.store).lines()[0].keys())
        out = self.specular("status", "--store", self.store).out
        for text in (f"{status['version']}, running, healthy\n", "hosts 2;", f"{self.store}: ",
                     f"{self.folder}/captures: 0 wait"):
            self.assertIn(text, out)
        self.assertNotIn("INTERFACE", out)

    def test_as_a_table_tells_what_is_there_and_escapes_it(self):
        out = self.answered_by(ok(json.dumps(ODD_STATUS).encode()), "status", status=0).out
        for text in ("1.2.3, running, not healthy: 5.1 % of the frames\\x1b[31m\n", "up 1 d 02:03:04",
                     "1234 frames/s, 987 Mbit/s", "77777 frames, - transactions", "3.0 MiB of -",
                     "not durable: no space left", "INTERFACE", "evil\\x1b[31m", "4711", "SHARD", "0.500"):
            self.assertIn(text, out)
        self.assertNotIn("\x1b", out)
        self.assertNotIn("folder", out)

    def test_what_is_no_status_is_told(self):
        self.one_line(self.answered_by(ok(b"[]"), "status"), "tells no status")

    def test_a_status_of_other_shapes_is_no_harm(self):
        body = b'{"rates":3,"interfaces":[3,[],{}],"shards":{"a":1},"store":"x","folder":[],"uptime_s":"long"}'
        self.assertIn("speculard", self.answered_by(ok(body), "status", status=0).out)

    def test_without_a_daemon(self):
        result = self.specular("status", "--store", self.store, status=1)
        self.one_line(result, "no daemon answers at", self.store / "control.sock")
        self.assertEqual("", result.out)
        self.one_line(self.specular("status", status=2), "--store")
        self.specular("status", "--store", self.store, "--nonsense", status=2)

    def test_watch_goes_on_until_the_daemon_ends(self):
        holder = self.hold()
        watching = self.start("status", "--watch", "--jsonl", "--store", self.store)
        lines = [json.loads(watching.stdout.readline()) for _ in range(2)]
        self.assertEqual(["running"] * 2, [line["state"] for line in lines])
        holder.kill()
        _, err = watching.communicate(timeout=60)
        self.assertEqual(1, watching.returncode)
        self.assertIn(b"no daemon answers", err)

    def test_watch_prints_tables_anew_where_there_is_no_terminal(self):
        self.hold()
        watching = self.start("status", "--watch", "--store", self.store)
        seen = b""
        while seen.count(b"speculard") < 2:
            line = watching.stdout.readline()
            self.assertTrue(line)
            seen += line
        self.assertNotIn(b"\x1b", seen)
        self.assertIn(b"\n\nspeculard", seen)

    def test_watch_is_in_place_on_a_terminal(self):
        if shutil.which("script") is None:
            self.skipTest("script(1) is not there")
        self.hold()
        command = f"timeout 5 {SPECULAR} status --watch --store {self.store}"
        done = subprocess.run(["script", "-qec", command, "/dev/null"], stdout=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, env=environment(TERM="xterm"), timeout=60, check=False)
        self.assertIn(b"\x1b[H\x1b[2Jspeculard", done.stdout)


if __name__ == "__main__":
    unittest.main()
