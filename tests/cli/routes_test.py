"""What the user corrects: pinned, split, merged, ignored and grouped; stored, listed, and taken back."""
import http.client
import os
import socket
import subprocess
import unittest

from harness import SPECULAR, CommandTest, Result, environment
from wire import connections, in_vxlan, later, merged, request, response, SECOND

NOBODY = 65534
UUID = "123e4567-e89b-12d3-a456-426614174000"


def calls(*paths, host="a.test", method="GET"):
    return [(request(method, path, host=host), response(body=b'{"%s":1}' % path.encode())) for path in paths]


USERS = calls("/users/alice", "/users/alice", "/users/export", "/health") + calls("/users/export/csv", method="POST")
TENANTS = [call for i in range(4) for call in calls(f"/users/{10_000_000 + i}", "/me", host=f"t{i}.tenant.test")]


class RoutesTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.store = self.store_of(self.capture(connections(USERS + TENANTS)))

    def routes(self, *arguments, status=0):
        return self.specular("routes", *arguments, "--store", self.store, status=status)

    def given(self, *arguments):
        """The row that a change answers with."""
        rows = self.routes(*arguments, "--json").json()
        self.assertEqual(1, len(rows), rows)
        return rows[0]

    def refused(self, *arguments, words=()):
        before = self.rows("routes", "--store", self.store)
        result = self.routes(*arguments, status=2)
        self.assertEqual("", result.out)
        self.one_line(result, *words)
        self.assertEqual(before, self.rows("routes", "--store", self.store))

    def shown(self, *options):
        """"METHOD path requests" of the endpoints."""
        rows = self.rows("endpoints", "--store", self.store, *(options or ("--host", "a.test")))
        return [f"{e['method']} {e['path']} {e['requests']}" for e in rows]

    def everything(self):
        return [self.specular(*command, "--store", self.store).out
                for command in (["endpoints", "--all", "--json"], ["coverage", "--json"],
                                ["openapi", "export", "--host", "a.test"],
                                ["openapi", "export", "--host", "t1.tenant.test"])]


AS_LEARNED = ["GET /health 1", "GET /users/alice 2", "GET /users/export 1", "POST /users/export/csv 1"]


class AtRest(RoutesTest):
    def test_without_corrections(self):
        self.assertEqual(AS_LEARNED, self.shown())
        self.assertEqual([], self.rows("routes", "--store", self.store))

    def test_pin_applies_to_what_was_learned_and_to_what_comes(self):
        row = self.given("pin", "A.test", "/users/{login}")
        self.assertEqual(("pin", None, "a.test", "/users/{login}", None, None, 2, 4),
                         tuple(row[key] for key in ("kind", "network", "host", "path", "method", "hosts", "endpoints",
                                                    "requests")))
        self.assertRegex(row["created"], r"^20\d\d-.*Z$")
        self.assertEqual([row], self.rows("routes", "--store", self.store))
        self.assertEqual(["GET /health 1", "GET /users/{login} 3", "POST /users/{login}/csv 1"], self.shown())
        self.specular("analyze", "--store", self.store, self.capture(later(connections(calls("/users/bob")), SECOND)))
        self.assertEqual(["GET /health 1", "GET /users/{login} 4", "POST /users/{login}/csv 1"], self.shown())

    def test_analyze_lists_as_endpoints_does(self):
        self.given("pin", "a.test", "/users/{login}")
        self.given("ignore", "a.test", "/health")
        capture = self.capture(later(connections(calls("/users/bob")), SECOND))
        listed = self.specular("analyze", "--store", self.store, capture, "--json")
        self.assertEqual(self.specular("endpoints", "--store", self.store, "--json").out, listed.out)
        self.assertIn("1 more is ignored", listed.err)

    def test_split_is_an_exception_to_merge(self):
        self.given("merge", "a.test", "/users/{}")
        self.assertEqual(["GET /health 1", "GET /users/{user} 3", "POST /users/{user}/csv 1"], self.shown())
        self.assertEqual(2, self.given("split", "a.test", "/users/export")["endpoints"])
        self.assertEqual(["GET /health 1", "GET /users/export 1", "POST /users/export/csv 1", "GET /users/{user} 2"],
                         self.shown())

    def test_evidence_names_the_user(self):
        pin = self.given("pin", "a.test", "/users/{login}")["id"]
        show = ["endpoints", "show", "a.test", "GET", "/users/{x}", "--store", self.store]
        shown = self.specular(*show, "--json").json()
        self.assertEqual([pin], shown["corrections"])
        self.assertRegex(shown["path_parameters"][0]["why"], "^pinned by the user; 2 distinct in 4 visits")
        self.assertIn("pinned by the user", self.specular(*show).out)
        split = self.given("split", "a.test", "/health")["id"]
        shown = self.specular("endpoints", "show", "a.test", "GET", "/health", "--json", "--store", self.store).json()
        self.assertEqual([split], shown["corrections"])

    def test_exports_have_it(self):
        self.given("pin", "a.test", "/users/{login}")
        self.given("ignore", "a.test", "/health")
        text = self.specular("openapi", "export", "--host", "a.test", "--store", self.store).out
        self.assertIn('"/users/{login}":', text)
        self.assertNotIn("health", text)

    def test_ignored_is_counted_and_shown_again_when_taken_back(self):
        before = self.everything()
        row = self.given("ignore", "a.test", "/users/export", "--method", "GET")
        self.assertEqual(("GET", 1, 1), (row["method"], row["endpoints"], row["requests"]))
        self.assertEqual(["GET /health 1", "GET /users/alice 2", "POST /users/export/csv 1"], self.shown())
        self.assertNotIn("GET /users/export 1", self.shown("--all", "--host", "a.test"))
        coverage = self.coverage(self.store)
        self.assertEqual({"total": 1, "a.test": 1},
                         {r["host"] or r["scope"]: r["ignored_requests"] for r in coverage if r["ignored_requests"]})
        self.specular("endpoints", "show", "a.test", "GET", "/users/export", "--store", self.store, status=1)
        self.assertEqual([row["id"]], [r["id"] for r in self.routes("remove", row["id"], "--json").json()])
        self.assertEqual(before, self.everything())

    def test_everything_is_as_it_was_once_all_is_taken_back(self):
        before = self.everything()
        ids = [self.given(*words)["id"] for words in (
            ["pin", "a.test", "/users/{login}"], ["split", "a.test", "/users/export"], ["merge", "a.test", "/{}"],
            ["ignore", "a.test", "/users/{}"], ["group", "*.tenant.test"])]
        self.assertNotEqual(before, self.everything())
        for number in (3, 0, 4, 1, 2):
            row = self.given("unpin" if number % 2 else "remove", ids[number])
            self.assertEqual((ids[number], None), (row["id"], row["endpoints"]))
        self.assertEqual(before, self.everything())
        self.assertEqual([], self.rows("routes", "--store", self.store))

    def test_said_twice_is_said_once(self):
        first = self.given("pin", "a.test", "/users/{login}")
        self.assertEqual(first, self.given("pin", "a.test", "/users/{login}/"))
        renamed = self.given("pin", "a.test", "/users/{name}")
        self.assertEqual(first["id"], renamed["id"])
        self.assertEqual([renamed], self.rows("routes", "--store", self.store))

    def test_the_table_and_lines_have_all(self):
        self.given("pin", "a.test", "/users/{login}")
        self.given("group", "*.tenant.test")
        out = self.routes().out
        for word in ("ID", "KIND", "pin", "group", "/users/{login}", "*.tenant.test"):
            self.assertIn(word, out)
        self.assertEqual(2, len(self.routes("--jsonl").lines()))

    def test_refusals(self):
        pin = self.given("pin", "a.test", "/users/{login}")["id"]
        self.refused("pin", "a.test", "/users/{name}/csv", words=["contradiction", pin, "'login'"])
        self.refused("pin", "b.test", "/users/{x}", words=["nothing is known of host b.test"])
        self.refused("pin", "a.test", "/users", words=["braces"])
        self.refused("pin", "a.test", "/users/{a}/{a}", words=["'a'"])
        self.refused("pin", "a.test", "users/{a}", words=["begins with"])
        self.refused("pin", "a.test", "", words=["path"])
        self.refused("split", "a.test", f"/users/{UUID}", words=["looks like an identifier", "uuid"])
        self.refused("split", "a.test", "/users/{a}", words=["split"])
        self.refused("merge", "a.test", "/users", words=["braces"])
        self.refused("ignore", "a.test", "/users", "--method", "G ET", words=["method"])
        self.refused("ignore", "a.test", "/users", "--method", "\udcff\n", words=["method"])
        self.refused("ignore", "a.test", "/" + "a" * 3000, words=["2048"])
        self.refused("pin", "a.test", "/users/{login}", "--network", "vxlan:1", words=["vxlan:1"])
        self.refused("group", "tenant.test", words=["pattern"])
        self.refused("group", "*.none.test", words=["nothing is known"])
        self.refused("group", "*.\udcff\x1b[31m", words=["pattern"])
        self.refused("ungroup", "*.tenant.test", words=["nothing is known"])
        self.refused("remove", "nonsense", words=["nonsense"])
        self.refused("remove", "\udcff\x1b[31m", words=["no correction"])
        for wrong in (["pin"], ["pin", "a.test"], ["remove"], ["nonsense"],
                      ["split", "a.test", "/x", "--method", "GET"]):
            self.routes(*wrong, status=2)

    def test_odd_names_are_kept_as_the_wire_has_them(self):
        row = self.given("ignore", "a.test", "/caf\u00e9/\udcff/%7ex")
        self.assertEqual("/caf%C3%A9/%FF/~x", row["path"])
        self.assertEqual(0, row["endpoints"])

    def test_where_there_is_no_store(self):
        for store in (self.folder / "none", self.folder):
            result = self.specular("routes", "pin", "a.test", "/{x}", "--store", store, status=1)
            self.one_line(result, store)
        self.assertFalse((self.folder / "none").exists())
        self.one_line(self.specular("routes", "pin", "a.test", "/{x}", status=2), "--store")
        self.one_line(self.specular("routes", status=2), "--store")


class Networks(CommandTest):
    def test_a_host_in_several_networks_has_to_be_told_apart(self):
        frames = merged(connections(USERS), in_vxlan(connections(USERS, client="10.0.0.9"), 7))
        store = self.store_of(self.capture(frames))

        def listed():
            return {(e["network"], e["path"]) for e in self.rows("endpoints", "--store", store) if "login" in e["path"]}

        asked = ["routes", "pin", "a.test", "/users/{login}", "--store", store]
        self.one_line(self.specular(*asked, status=2), "several networks", "'vxlan:7'", "''", "--network")
        self.specular(*asked, "--network", "vxlan:7")
        self.assertEqual({("vxlan:7", "/users/{login}"), ("vxlan:7", "/users/{login}/csv")}, listed())
        self.specular(*asked, "--network", "")
        self.assertEqual(4, len(listed()))
        self.assertIn("NETWORK", self.specular("routes", "--store", store).out)
        self.one_line(self.specular("routes", "group", "*.test", "--store", store, status=2), "several networks")
        self.specular("routes", "group", "*.test", "--store", store, "--network", "vxlan:7")
        hosts = {(e["network"], e["host"]) for e in self.rows("endpoints", "--store", store)}
        self.assertEqual({(None, "a.test"), ("vxlan:7", "*.test")}, hosts)


class Groups(RoutesTest):
    def hosts(self):
        return {(e["host"], e["method"], e["path"]): (e["requests"], e["clients"])
                for e in self.rows("endpoints", "--store", self.store) if e["host"].endswith("tenant.test")}

    def test_hosts_of_a_pattern_are_one_and_reversible(self):
        before = self.everything()
        row = self.given("group", "*.Tenant.test")
        self.assertEqual(("group", "*.tenant.test", None, 4, 2, 8),
                         tuple(row[k] for k in ("kind", "host", "path", "hosts", "endpoints", "requests")))
        self.assertEqual({("*.tenant.test", "GET", "/me"): (4, 1), ("*.tenant.test", "GET", "/users/{userId}"): (4, 1)},
                         self.hosts())
        self.assertEqual(2, len(self.rows("endpoints", "--host", "t2.tenant.test", "--store", self.store)))
        coverage = {r["host"]: r["transactions"] for r in self.coverage(self.store) if r["scope"] == "host"}
        self.assertEqual({"a.test": 5, "*.tenant.test": 8}, coverage)
        text = self.specular("openapi", "export", "--host", "*.tenant.test", "--store", self.store).out
        self.assertIn("http://{host}.tenant.test", text)
        self.assertIn("default: t0", text)
        self.specular("openapi", "export", "-o", self.folder / "out", "--store", self.store)
        self.assertEqual({"a.test.yaml", "_.tenant.test.yaml"}, {f.name for f in (self.folder / "out").iterdir()})
        self.given("ungroup", "*.tenant.test")
        self.assertEqual(before, self.everything())

    def test_what_is_said_of_a_group_holds_for_it(self):
        self.given("group", "*.tenant.test")
        self.given("merge", "*.tenant.test", "/{what}")
        self.assertIn(("*.tenant.test", "GET", "/{what}"), self.hosts())
        self.refused("ignore", "t1.tenant.test", "/me", words=["is one of *.tenant.test"])
        self.given("ungroup", "*.tenant.test")
        self.assertIn(("t1.tenant.test", "GET", "/me"), self.hosts())

    def test_hosts_that_come_later_join(self):
        self.given("group", "*.tenant.test")
        frames = later(connections(calls("/me", host="new.tenant.test") + calls("/me", host="x.y.tenant.test")), SECOND)
        self.specular("analyze", "--store", self.store, self.capture(frames))
        self.assertEqual({("*.tenant.test", "GET", "/me"): (5, 1), ("*.tenant.test", "GET", "/users/{userId}"): (4, 1),
                          ("x.y.tenant.test", "GET", "/me"): (1, 1)}, self.hosts())


class BesideDaemon(RoutesTest):
    def ask(self, method, target):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        connection.connect(str(self.store / "control.sock"))
        with connection:
            connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.status, answer.read()

    def test_takes_effect_at_once_and_outlives_a_kill(self):
        learned = self.everything()
        process = self.hold()
        pin = self.given("pin", "a.test", "/users/{login}")
        self.given("ignore", "a.test", "/health")
        self.given("group", "*.tenant.test")
        self.assertEqual(["GET /users/{login} 3", "POST /users/{login}/csv 1"], self.shown())
        self.assertEqual(3, len(self.rows("routes", "--store", self.store)))
        beside = self.everything(), self.routes("--json").out
        process.kill()  # an answer means that it is stored
        process.wait()
        self.assertEqual(beside, (self.everything(), self.routes("--json").out))
        process = self.hold()
        self.assertEqual(beside, (self.everything(), self.routes("--json").out))
        for row in self.rows("routes", "--store", self.store):
            self.given("remove", row["id"])
        self.assertEqual(learned, self.everything())
        process.terminate()
        self.assertEqual(0, process.wait(60))
        self.assertEqual(learned, self.everything())
        self.assertNotIn(pin["id"], self.routes().out)

    def test_refusals_are_those_of_a_store_at_rest(self):
        self.given("pin", "a.test", "/users/{login}")
        wrong = (["pin", "a.test", "/users/{name}/csv"], ["pin", "b.test", "/{x}"], ["pin", "a.test", "/users"],
                 ["split", "a.test", f"/{UUID}"], ["group", "nothing"], ["remove", "nonsense"], ["pin", "a.test", ""],
                 ["ignore", "a.test", "/x", "--method", "a b"], ["remove", "\x1b[31m"])
        at_rest = [(r.status, r.out, r.err) for r in (self.routes(*words, status=2) for words in wrong)]
        self.hold()
        self.assertEqual(at_rest, [(r.status, r.out, r.err) for r in (self.routes(*w, status=2) for w in wrong)])
        self.assertEqual(1, len(self.rows("routes", "--store", self.store)))

    def test_reading_changes_nothing_and_writing_wants_post(self):
        self.hold()
        pin = "/v1/routes/pin?host=a.test&path=/users/%7Blogin%7D"
        self.assertEqual(405, self.ask("GET", pin)[0])
        self.assertEqual(405, self.ask("PUT", pin)[0])
        self.assertEqual(405, self.ask("POST", "/v1/endpoints")[0])
        for target in ("/v1/routes/pin", "/v1/routes/pin?host=a.test&path=/x%7B&nonsense=1", "/v1/routes/remove",
                       "/v1/routes/pin?host=a.test&path=/%00%7B%7D", "/v1/routes/ignore?host=a.test&path=/&method=%00"):
            self.assertEqual(400, self.ask("POST", target)[0], target)
        self.assertEqual(404, self.ask("POST", "/v2/routes/pin")[0])
        self.assertEqual([], self.rows("routes", "--store", self.store))
        self.assertEqual(200, self.ask("POST", pin)[0])
        self.assertEqual(1, len(self.rows("routes", "--store", self.store)))

    def test_only_owner_and_group_may(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        os.chmod(self.folder, 0o755)
        os.chmod(self.store, 0o755)
        self.hold()

        def become_nobody():
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

        words = [SPECULAR, "routes", "pin", "a.test", "/users/{login}", "--store", str(self.store)]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=become_nobody,
                              env=environment(), timeout=60, check=False)
        result = Result(words, done.returncode, done.stdout, done.stderr)
        self.assertEqual(1, result.status, result)
        self.one_line(result, "you may not ask")
        self.assertEqual([], self.rows("routes", "--store", self.store))


if __name__ == "__main__":
    unittest.main()
