"""What servers and scanners make up must not fill the inventory, and what is real must stay in it."""
import random
import unittest

from harness import CommandTest
from wire import MILLISECOND, SECOND, START, connections, head_only, merged, request, response

ANYTHING = response(body=b'{"status":"up","version":"1.4.2"}')
USERS = response(body=b'[{"id":1},{"id":2}]')
REAL = [(request("GET", "/v1/users"), USERS),
        (request("POST", "/v1/users", body=b"{}", content_type="application/json"), response(201, b'{"id":3}')),
        (request("GET", "/v1/orders/open"), response(body=b'{"orders":[],"total":0,"page":1}'))] * 3
REAL_NAMES = ["GET api.test/v1/orders/open", "GET api.test/v1/users", "POST api.test/v1/users"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def word(dice, size):
    return "".join(dice.choice(LETTERS) for _ in range(size))


def random_paths(count=30, seed=1):
    """Paths of made-up words, at depths from one to five."""
    dice = random.Random(seed)
    return ["/" + "/".join(word(dice, 8) for _ in range(1 + i % 5)) for i in range(count)]


def random_hex_paths(count=30, seed=2):
    dice = random.Random(seed)
    return ["/" + "/".join(f"{dice.getrandbits(96):024x}" for _ in range(1 + i % 4)) for i in range(count)]


class CatchAll(CommandTest):
    """A server with a few real endpoints that answers any other path alike."""

    def kept(self, calls, kind="api"):
        return self.names(connections(calls, client="10.0.0.7"), kind)

    def test_one_answer_for_any_path(self):
        for paths in (random_paths(), random_hex_paths(), random_paths(300)):
            self.assertEqual(REAL_NAMES, self.kept(REAL + [(request(target=p), ANYTHING) for p in paths]))

    def test_one_answer_for_any_path_before_the_real_ones_are_seen(self):
        self.assertEqual(REAL_NAMES, self.kept([(request(target=p), ANYTHING) for p in random_paths()] + REAL))

    def test_one_answer_with_an_error_status(self):
        for status in (400, 401, 403, 500):
            answer = response(status, b'{"error":"no"}')
            self.assertEqual(REAL_NAMES, self.kept(REAL + [(request(target=p), answer) for p in random_paths()]),
                             status)

    def test_an_answer_that_repeats_the_path(self):
        calls = [(request(target=p), response(body=b'{"path":"%s"}' % p.encode())) for p in random_paths()]
        self.assertEqual(REAL_NAMES, self.kept(REAL + calls))

    def test_a_redirection_to_the_login_page(self):
        calls = [(request(target=p), head_only(302, [("Location", f"/login?next={p}"), ("Content-Length", "0")]))
                 for p in random_paths()]
        self.assertEqual(REAL_NAMES, self.kept(REAL + calls))

    def test_a_redirection_to_https(self):
        calls = [(request(target=p), head_only(301, [("Location", f"https://api.test{p}"), ("Content-Length", "0")]))
                 for p in random_paths()]
        found = self.endpoints(connections(REAL + calls))
        self.assertEqual(REAL_NAMES, sorted(f"{e['method']} {e['host']}{e['path']}" for e in found))

    def test_the_start_page_of_a_single_page_application(self):
        page = response(body=b"<!doctype html><div id=app></div>", content_type="text/html")
        calls = REAL + [(request(target=p), page) for p in random_paths()]
        self.assertEqual(REAL_NAMES, self.kept(calls))
        self.assertEqual([], self.kept(calls, kind="web"))

    def test_random_siblings_of_one_folder(self):
        dice = random.Random(5)
        calls = [(request(target=f"/v1/app/{word(dice, 8)}"), ANYTHING) for _ in range(30)]
        found = self.kept(REAL + calls)
        self.assertEqual(REAL_NAMES, [name for name in found if "/v1/app/" not in name])
        self.assertLessEqual(len(found), len(REAL_NAMES) + 1)

    def test_very_many_random_siblings_of_real_endpoints(self):
        dice = random.Random(6)
        real = [(request(target="/users"), USERS), (request(target="/health"), response(body=b"fine"))] * 3
        calls = [(request(target=f"/{word(dice, 8)}"), ANYTHING) for _ in range(600)]
        for mixed in (real + calls, calls + real, dice.sample(real + calls, k=606)):
            self.assertEqual(["GET api.test/health", "GET api.test/users"], self.kept(mixed))

    def test_any_method(self):
        calls = [(request(m, p, body=b"{}"), ANYTHING) for p in random_paths() for m in ("GET", "POST", "PUT")]
        self.assertEqual(REAL_NAMES, self.kept(REAL + calls))

    def test_what_catch_alls_answer_is_still_in_the_coverage(self):
        frames = connections(REAL + [(request(target=p), ANYTHING) for p in random_paths()])
        total = self.coverage(self.store_of(self.capture(frames)))[0]
        self.assertEqual(39, total["transactions"])


class Scanner(CommandTest):
    def test_very_many_missing_siblings_of_real_endpoints(self):
        dice = random.Random(7)
        real = [(request(target="/users"), USERS), (request(target="/health"), response(body=b"fine"))] * 3
        calls = [(request(target=f"/{word(dice, 8)}"), response(404, b"no")) for _ in range(600)]
        for mixed in (real + calls, calls + real, dice.sample(real + calls, k=606)):
            self.assertEqual(["GET api.test/health", "GET api.test/users"], self.names(connections(mixed)))


class NoCatchAll(CommandTest):
    """Answers that are alike for good reasons."""

    def test_deletions_that_are_all_answered_204(self):
        collections = ["users", "orders", "carts", "invoices", "tickets"]
        calls = [(request("DELETE", f"/v1/{c}/{i}"), head_only(204)) for c in collections for i in range(10, 16)]
        found = self.endpoints(connections(calls))
        self.assertEqual(sorted(f"/v1/{c}" for c in collections), sorted(e["path"].rsplit("/", 1)[0] for e in found))
        self.assertEqual({6}, {e["requests"] for e in found})

    def test_commands_that_are_all_answered_ok(self):
        areas = {"mail": ["send", "drop", "flag"], "jobs": ["start", "stop", "pause"],
                 "users": ["lock", "unlock", "reset"]}
        calls = [(request("POST", f"/api/{area}/{verb}", body=b"{}", content_type="application/json"), response())
                 for area, verbs in areas.items() for verb in verbs] * 5
        expected = sorted(f"POST api.test/api/{area}/{verb}" for area, verbs in areas.items() for verb in verbs)
        self.assertEqual(expected, self.names(connections(calls)))

    def test_many_resources_with_equal_answers(self):
        calls = [(request("GET", f"/v1/flags/{i}"), response(body=b'{"on":true}')) for i in range(1, 60)]
        found = self.endpoints(connections(calls))
        self.assertEqual([("/v1/flags/{flagId}", 59)], [(e["path"], e["requests"]) for e in found])

    def test_answers_of_one_length_are_not_one_answer(self):
        names = ["users", "orders", "carts", "items", "login", "pets", "cards", "shops", "bills", "rooms"]
        calls = [(request("GET", f"/{name}"), response(body=b'{"%05d":1}' % i)) for i, name in enumerate(names)]
        self.assertEqual(sorted(f"GET api.test/{name}" for name in names), self.names(connections(calls)))
        calls = [(request("GET", f"/api/{chr(97 + i)}{name}"), response(body=b'{"%d%05d":1}' % (i, n)))
                 for i in range(2) for n, name in enumerate(names)]
        self.assertEqual(20, len(self.names(connections(calls))))

    def test_an_api_that_denies_everything_once_and_then_answers(self):
        paths = [f"/v1/{area}/{name}" for area in ("a", "b", "c", "d") for name in ("list", "count", "last")]
        calls = [(request(target=p), response(401, b'{"error":"token"}')) for p in paths]
        calls += [(request(target=p), response(body=b'{"of":"%s"}' % (p.encode() * (i + 1))))
                  for i, p in enumerate(paths)]
        self.assertEqual(sorted(f"GET api.test{p}" for p in paths), self.names(connections(calls)))


class MadeUpHosts(CommandTest):
    def scan(self, count, calls_of):
        """Requests to one server under so many made-up names."""
        dice = random.Random(3)
        calls = [call for _ in range(count) for call in calls_of(f"{word(dice, 10)}.{word(dice, 3)}")]
        return connections(calls, client="10.0.0.66", at=START + 5, step=2 * MILLISECOND, first_port=2000)

    def hosts(self, frames, config=None):
        return sorted({e["host"] for e in self.endpoints(frames, config=config)})

    def test_a_server_that_answers_to_any_name(self):
        scan = self.scan(200, lambda host: [(request(target="/v1/users", host=host), USERS)])
        self.assertEqual(["api.test"], self.hosts(merged(connections(REAL), scan)))

    def test_a_server_that_answers_to_any_name_with_one_page(self):
        page = response(body=b"<html>It works!", content_type="text/html")
        scan = self.scan(200, lambda host: [(request(target="/", host=host), page)])
        self.assertEqual(["api.test"], self.hosts(merged(connections(REAL), scan)))

    def test_a_server_that_denies_any_name(self):
        for status in (400, 403, 404, 421):
            no = response(status, b"no")
            scan = self.scan(200, lambda host: [(request(target="/", host=host), no)])
            self.assertEqual(["api.test"], self.hosts(merged(connections(REAL), scan)), status)

    def test_several_requests_under_each_name(self):
        paths = ["/", "/login", "/v1/users", "/status", "/v1/orders/open"]
        answers = {path: response(body=b'{"p":"%s"}' % (path.encode() * 2)) for path in paths}
        scan = self.scan(200, lambda host: [(request(target=p, host=host), answers[p]) for p in paths])
        self.assertEqual(["api.test"], self.hosts(merged(connections(REAL), scan)))

    def test_real_endpoints_on_the_same_server_stay(self):
        scan = self.scan(200, lambda host: [(request(target="/v1/users", host=host), USERS)])
        self.assertEqual(REAL_NAMES, self.names(merged(connections(REAL), scan)))

    def test_hosts_of_one_server_are_bounded(self):
        config = self.config("inventory:\n  max_hosts_per_server: 20\n")
        dice = random.Random(4)
        scan = self.scan(200, lambda host: [(request(target="/" + word(dice, 9), host=host),
                                             response(body=word(dice, 30 + i).encode())) for i in range(4)])
        found = self.hosts(merged(connections(REAL), scan), config=config)
        self.assertIn("api.test", found)
        self.assertLessEqual(len(found), 22)

    def test_tenants_whose_answers_are_as_long_stay(self):
        calls = [(request(target="/v1/me", host=f"t{i:02}.api.test"), response(body=b'{"id":%05d}' % i))
                 for i in range(40)]
        self.assertEqual(40, len(self.hosts(connections(calls))))

    def test_made_up_names_at_one_server_do_not_take_the_place_of_another(self):
        config = self.config("inventory:\n  max_hosts_per_server: 20\n  max_hosts: 60\n")
        dice = random.Random(9)
        scan = self.scan(300, lambda host: [(request(target="/" + word(dice, 9), host=host),
                                             response(body=word(dice, 40).encode()))])
        victim = connections([(request(target="/v1/users", host="api.victim.test"), USERS)] * 3,
                             server="10.9.9.9:80", at=START + 10 * SECOND)
        self.assertIn("api.victim.test", self.hosts(merged(scan, victim), config=config))

    def test_tenants_of_one_server_that_are_in_use_stay(self):
        hosts = [f"tenant{i}.api.test" for i in range(12)]
        calls = [(request(m, p, host=host, body=b"{}"), response(status, body))
                 for host in hosts for m, p, status, body in (("GET", "/v1/users", 200, b"[1,2]"),
                                                              ("POST", "/v1/users", 201, b'{"id":3}'),
                                                              ("GET", "/v1/orders", 200, b"[]"))] * 5
        self.assertEqual(sorted(hosts), self.hosts(connections(calls)))


if __name__ == "__main__":
    unittest.main()
