"""specular analyze, endpoints and endpoints show: the fields of the inventory, and what is in it."""
import unittest
import uuid

from harness import TIME, CommandTest
from wire import (MILLISECOND, SECOND, START, Conversation, connection, connections, head_only, in_vxlan, later, merged,
                  request, response)

FIELDS = ["network", "host", "method", "path", "operation", "kind", "requests", "first_seen", "last_seen", "statuses",
          "auth", "denied_only", "clients", "standing", "risk"]
OK = response()
USERS = (request("GET", "/v1/users"), response(body=b"[]"))


def user(number, status=200):
    return request("GET", f"/v1/users/{number}"), response(status, b'{"id":%d}' % number)


def identifiers(count):
    """UUIDs, the same at every run."""
    return [uuid.uuid5(uuid.NAMESPACE_URL, str(i)) for i in range(count)]


class Fields(CommandTest):
    def one(self, frames):
        found = self.endpoints(frames)
        self.assertEqual(1, len(found), found)
        return found[0]

    def test_every_field_is_there_in_the_order_of_the_contract(self):
        self.assertEqual(FIELDS, list(self.one(connections([USERS]))))

    def test_each_value_has_its_form(self):
        found = self.one(connections([USERS, (USERS[0], response(500))]))
        self.assertEqual(("api.test", "GET", "/v1/users", "api"),
                         tuple(found[n] for n in ("host", "method", "path", "kind")))
        for name in ("network", "operation", "standing", "risk"):
            self.assertIsNone(found[name], name)
        self.assertEqual({"200": 1, "500": 1}, found["statuses"])
        self.assertEqual([], found["auth"])
        for name in ("requests", "clients"):
            self.assertIs(int, type(found[name]), name)
        self.assertIs(False, found["denied_only"])

    def test_first_and_last_seen_are_the_times_of_requests(self):
        frames = connections([USERS] * 3, step=SECOND)
        found = self.one(frames)
        self.assertEqual(("2023-11-14T22:13:20.003000000Z", "2023-11-14T22:13:22.003000000Z"),
                         (found["first_seen"], found["last_seen"]))
        self.assertRegex(found["first_seen"], TIME)

    def test_requests_and_statuses_are_counted(self):
        found = self.one(connections([USERS] * 5 + [(USERS[0], response(304, b""))] * 2))
        self.assertEqual((7, {"200": 5, "304": 2}), (found["requests"], found["statuses"]))

    def test_requests_without_an_answer_count_but_have_no_status(self):
        unanswered = Conversation(client="10.0.0.9:1").open().request(USERS[0]).acknowledge("server").close()
        found = self.one(merged(connections([USERS]), unanswered.frames))
        self.assertEqual((2, {"200": 1}), (found["requests"], found["statuses"]))

    def test_clients_are_distinct_addresses(self):
        frames = merged(*(connections([USERS] * 3, client=f"10.0.1.{i}", at=START + i) for i in range(20)))
        found = self.one(frames)
        self.assertEqual((60, 20), (found["requests"], found["clients"]))

    def test_many_clients_are_estimated_closely(self):
        calls = [(f"10.{i // 250}.{i % 250}.1:2000", i) for i in range(2000)]
        frames = [f for client, i in calls
                  for f in connection([USERS], client=client, at=START + i * 100 * MILLISECOND)]
        self.assertAlmostEqual(2000, self.one(frames)["clients"], delta=100)

    def test_path_parameters_are_placeholders(self):
        calls = [(request("GET", f"/v1/orders/{i}/items/{i * 7}"), OK) for i in range(1, 40)]
        calls += [(request("GET", f"/v1/carts/{key}"), OK) for key in identifiers(30)]
        paths = [e["path"] for e in self.endpoints(connections(calls))]
        self.assertEqual(2, len(paths), paths)
        self.assertRegex(paths[0], r"^/v1/carts/\{\w+\}$")
        self.assertRegex(paths[1], r"^/v1/orders/\{\w+\}/items/\{\w+\}$")

    def test_query_strings_are_no_part_of_the_path(self):
        calls = [(request("GET", f"/v1/search?q={i}&page=2"), OK) for i in range(10)]
        self.assertEqual([("/v1/search", 10)], [(e["path"], e["requests"]) for e in self.endpoints(connections(calls))])

    def test_methods_are_endpoints_of_their_own(self):
        calls = [(request(method, "/v1/users", body=b"{}"), OK) for method in ("GET", "POST", "PUT", "PURGE")]
        self.assertEqual(["GET", "POST", "PURGE", "PUT"],
                         sorted(e["method"] for e in self.endpoints(connections(calls))))

    def test_spellings_of_one_host_are_one(self):
        calls = [(request(host=host, target="/v1/users"), OK)
                 for host in ("api.test", "API.test", "api.test:80", "api.test.")]
        self.assertEqual([("api.test", 4)], [(e["host"], e["requests"]) for e in self.endpoints(connections(calls))])

    def test_hosts_stay_apart_and_another_port_is_another_host(self):
        calls = [(request(host=host, target="/v1/users"), OK) for host in ("a.test", "b.test", "a.test:8080")]
        self.assertEqual(["a.test", "a.test:8080", "b.test"],
                         sorted(e["host"] for e in self.endpoints(connections(calls))))


class Authentication(CommandTest):
    def auth(self, *header_lists):
        calls = [(request("GET", "/v1/me", headers=headers), OK) for headers in header_lists]
        return self.endpoints(connections(calls))[0]["auth"]

    def test_schemes_by_name(self):
        self.assertEqual(["bearer"], self.auth([("Authorization", "Bearer abc.def.ghi")]))
        self.assertEqual(["basic"], self.auth([("authorization", "BASIC dXNlcjpwYXNz")]))

    def test_several_ways_and_anonymous_requests(self):
        found = self.auth([("Authorization", "Bearer abc")], [("Authorization", "Basic abc")], [])
        self.assertEqual(["basic", "bearer"], sorted(found))

    def test_keys_in_headers(self):
        found = self.auth([("X-Api-Key", "s3cr3t")])
        self.assertEqual(1, len(found), found)
        self.assertIn("x-api-key", found[0].lower())

    def test_values_of_credentials_are_never_told_nor_stored(self):
        secrets = ["hunter2secret", "cookiesecret", "keysecret", "querysecret"]
        headers = [("Authorization", f"Bearer {secrets[0]}"), ("Cookie", f"session={secrets[1]}"),
                   ("X-Api-Key", secrets[2])]
        capture = self.capture(connections([(request("GET", f"/v1/me?api_key={secrets[3]}", headers=headers), OK)]))
        store = self.store_of(capture)
        told = [self.specular(*c, "--store", store).out for c in
                (["endpoints", "--json"], ["openapi", "export"], ["coverage", "--json"],
                 ["endpoints", "show", "api.test", "GET", "/v1/me", "--json"])]
        stored = b"".join(f.read_bytes() for f in store.iterdir())
        for secret in secrets:
            self.assertNotIn(secret, "".join(told))
            self.assertNotIn(secret.encode(), stored)
        self.assertIn("/v1/me", told[0])


class Kinds(CommandTest):
    def kinds(self, *calls):
        return {f"{e['method']} {e['path']}": e["kind"] for e in self.endpoints(connections(calls))}

    def test_static_files(self):
        found = self.kinds((request(target="/app.js"), response(content_type="application/javascript")),
                           (request(target="/css/site.css"), response(content_type="text/css")),
                           (request(target="/img/logo.png"), response(content_type="image/png")),
                           (request(target="/fonts/a.woff2"), response(content_type="font/woff2")),
                           (request(target="/favicon.ico"), response(content_type="image/x-icon")), USERS)
        self.assertEqual({"api", "static"}, set(found.values()))
        self.assertEqual(["GET /v1/users"], [name for name, kind in found.items() if kind == "api"])

    def test_web_pages(self):
        found = self.kinds((request(target="/"), response(body=b"<html>home", content_type="text/html")),
                           (request(target="/about"), response(body=b"<html>about us", content_type="text/html")),
                           USERS)
        self.assertEqual({"GET /": "web", "GET /about": "web", "GET /v1/users": "api"}, found)

    def test_preflights(self):
        preflight = request("OPTIONS", "/v1/users", headers=[("Origin", "https://app.test"),
                                                             ("Access-Control-Request-Method", "POST")])
        found = self.kinds((preflight, head_only(204)), USERS)
        self.assertEqual({"OPTIONS /v1/users": "preflight", "GET /v1/users": "api"}, found)

    def test_the_default_lists_api_only_and_all_the_rest(self):
        page = (request(target="/about"), response(body=b"<html>about us", content_type="text/html"))
        store = self.store_of(self.capture(connections([page, USERS])))
        self.assertEqual(["api"], [e["kind"] for e in self.specular("endpoints", "--json", "--store", store).json()])
        everything = self.specular("endpoints", "--all", "--json", "--store", store).json()
        self.assertEqual(["api", "web"], sorted(e["kind"] for e in everything))

    def test_json_answers_are_no_static_files_whatever_they_are_called(self):
        found = self.kinds((request(target="/config/settings.json"), OK), (request(target="/v1/file.js"), OK))
        self.assertEqual({"api"}, set(found.values()))


class NoEndpoints(CommandTest):
    def test_head_of_a_known_get(self):
        calls = [USERS, (request("HEAD", "/v1/users"), head_only(200)), (request("HEAD", "/v1/ping"), head_only(200))]
        self.assertEqual(["GET api.test/v1/users", "HEAD api.test/v1/ping"], self.names(connections(calls)))

    def test_what_is_only_answered_404_405_or_501(self):
        calls = [(request("GET", f"/nothing/{name}"), response(status))
                 for name, status in (("a", 404), ("b", 405), ("c", 501))]
        self.assertEqual(["GET api.test/v1/users"], self.names(connections(calls + [USERS])))

    def test_one_other_answer_makes_an_endpoint(self):
        calls = [user(7, 404), user(8, 404), user(9, 200)]
        found = self.endpoints(connections(calls))
        self.assertEqual([({"200": 1, "404": 2}, 3)], [(e["statuses"], e["requests"]) for e in found])

    def test_a_scanner_adds_nothing(self):
        words = ["admin", "wp-login.php", "phpinfo.php", "old", "test", "cgi-bin/x", ".env", ".git/config",
                 "backup.zip"]
        calls = [(request("GET", f"/{word}{i}"), response(404, b"{}")) for word in words for i in range(20)]
        self.assertEqual(["GET api.test/v1/users"], self.names(connections(calls + [USERS])))


class Denied(CommandTest):
    def denied(self, *statuses):
        calls = [(USERS[0], response(status)) for status in statuses]
        return [e["denied_only"] for e in self.endpoints(connections(calls))]

    def test_only_401_and_403(self):
        self.assertEqual([True], self.denied(401, 403, 403))

    def test_once_let_in(self):
        self.assertEqual([False], self.denied(401, 403, 200))

    def test_other_errors_are_no_denial(self):
        self.assertEqual([False], self.denied(401, 500))


class AnalyzeAndEndpoints(CommandTest):
    def capture_of_everything(self):
        calls = [user(i) for i in range(20)] + [USERS, (request(target="/a.css"), response(content_type="text/css"))]
        calls += [(request("POST", "/v1/users", body=b"{}", content_type="application/json"), response(201))]
        return self.capture(merged(connections(calls),
                                   in_vxlan(connections(calls, client="10.0.0.5", at=START + 7), 9)))

    def test_analyze_prints_exactly_what_endpoints_prints_from_the_store(self):
        capture = self.capture_of_everything()
        for form in ("--json", "--jsonl"):
            store = self.folder / f"store{form}"
            analyzed = self.specular("analyze", form, "--store", store, capture).out
            self.assertEqual(analyzed, self.specular("endpoints", form, "--store", store).out)
            self.assertIn("/v1/users", analyzed)

    def test_analyze_without_a_store_prints_the_same(self):
        capture = self.capture_of_everything()
        kept = self.specular("analyze", "--json", "--store", self.folder / "s", capture).out
        self.assertEqual(kept, self.specular("analyze", "--json", capture).out)
        self.assertIn("/v1/users", kept)

    def test_analyze_gives_the_same_bytes_at_every_run(self):
        capture = self.capture_of_everything()
        outputs = {self.specular("analyze", "--json", capture).out for _ in range(3)}
        self.assertEqual(1, len(outputs))
        self.assertIn("/v1/users", outputs.pop())

    def test_inspection_of_full_and_budget_finds_the_same_endpoints(self):
        capture = self.capture_of_everything()
        full = self.specular("analyze", "--json", "--inspect", "full", capture).out
        self.assertEqual(full, self.specular("analyze", "--json", "--inspect", "budget", capture).out)
        self.assertIn("/v1/users", full)

    def test_the_summary_stands_on_standard_error(self):
        result = self.specular("analyze", "--json", self.capture_of_everything())
        result.json()
        self.assertRegex(result.err, r"\b6\b.*endpoints")

    def test_the_table_has_a_line_for_each_endpoint(self):
        title, *rows = self.specular("analyze", self.capture(connections([USERS, user(1), user(2)]))).out.splitlines()
        self.assertEqual(2, len(rows))
        self.assertTrue(all(r[title.index("HOST"):].startswith("api.test") for r in rows), rows)

    def test_only_one_host(self):
        calls = [(request(host=h, target="/v1/users"), OK) for h in ("a.test", "b.test")]
        store = self.store_of(self.capture(connections(calls)))
        found = self.specular("endpoints", "--json", "--host", "b.test", "--store", store).json()
        self.assertEqual(["b.test"], [e["host"] for e in found])

    def test_an_empty_inventory_is_an_empty_array(self):
        self.assertEqual([], self.specular("analyze", "--json", self.capture([])).json())


class Show(CommandTest):
    def setUp(self):
        super().setUp()
        calls = [(request("GET", f"/v1/users/{i}?verbose=true", headers=[("X-Tenant", "acme")]), OK)
                 for i in range(1, 31)]
        calls += [(request("DELETE", "/v1/users/5"), head_only(204))]
        self.store = self.store_of(self.capture(connections(calls)))

    def show(self, *arguments, status=0):
        return self.specular("endpoints", "show", *arguments, "--json", "--store", self.store, status=status)

    def test_everything_the_list_says_and_the_evidence(self):
        listed = next(e for e in self.listed(self.store) if e["method"] == "GET")
        shown = self.show("api.test", "GET", listed["path"]).json()
        self.assertEqual(listed, {name: shown[name] for name in FIELDS})
        text = str(shown)
        for evidence in ("30 distinct", "verbose", "x-tenant", "10.0.0.2:80"):
            self.assertIn(evidence, text)

    def test_placeholders_may_have_any_name(self):
        for path in ("/v1/users/{id}", "/v1/users/{userId}", "/v1/users/{}"):
            self.assertEqual(30, self.show("api.test", "GET", path).json()["requests"])

    def test_the_method_decides(self):
        self.assertEqual(1, self.show("api.test", "DELETE", "/v1/users/{id}").json()["requests"])

    def test_hosts_may_be_spelt_as_in_a_request(self):
        self.assertEqual(30, self.show("API.test:80", "GET", "/v1/users/{id}").json()["requests"])

    def test_what_is_not_there_is_said(self):
        for wanted in (("other.test", "GET", "/v1/users/{id}"), ("api.test", "PUT", "/v1/users/{id}"),
                       ("api.test", "GET", "/x")):
            result = self.show(*wanted, status=1)
            self.assertEqual("", result.out)
            self.one_line(result, *wanted)

    def test_missing_arguments_are_wrong_usage(self):
        self.show("api.test", "GET", status=2)

    def test_as_text(self):
        shown = self.specular("endpoints", "show", "api.test", "GET", "/v1/users/{id}", "--store", self.store).out
        self.assertIn("30 distinct", shown)
        self.assertIn("requests: 30", shown)

    def test_sizes_and_latency(self):
        talk = Conversation(client="10.0.0.1:3000").open()
        for _ in range(9):
            talk.call(request("GET", "/v1/slow"), response(body=b"x" * 1000), latency=20 * MILLISECOND)
        store = self.store_of(self.capture(talk.close().frames))
        shown = self.specular("endpoints", "show", "api.test", "GET", "/v1/slow", "--json", "--store", store).json()
        self.assertAlmostEqual(20, shown["latency_ms"]["p50"], delta=1)
        self.assertAlmostEqual(1000, shown["response_bytes"]["p50"], delta=40)


class Networks(CommandTest):
    """Two tenants with the same addresses and ports."""

    def frames(self):
        one = connection([USERS] * 2, isn=1000)
        other = connection([USERS] * 3 + [user(1)], isn=900_000_000)
        return merged(in_vxlan(one, 7), in_vxlan(later(other, 500), 8))

    def by_network(self, found):
        return sorted((e["network"], e["path"], e["requests"]) for e in found)

    def test_tenants_with_equal_addresses_stay_apart(self):
        found = self.by_network(self.endpoints(self.frames()))
        self.assertEqual([("vxlan:7", "/v1/users", 2), ("vxlan:8", "/v1/users", 3),
                          ("vxlan:8", "/v1/users/{userId}", 1)],
                         found)

    def test_groups_make_one_network_of_several_tunnels(self):
        config = self.config('tunnels:\n  groups:\n    shop: ["vxlan:7", "vxlan:8"]\n')
        different = in_vxlan(later(connection([user(1)], client="10.0.0.4:41000"), 900), 9)
        frames = merged(in_vxlan(connection([USERS]), 7), in_vxlan(connection([USERS], client="10.0.0.3:4000"), 8),
                        different)
        found = self.by_network(self.endpoints(frames, config=config))
        self.assertEqual([("shop", "/v1/users", 2), ("vxlan:9", "/v1/users/{userId}", 1)], found)

    def test_details_of_an_endpoint_that_two_networks_have(self):
        store = self.store_of(self.capture(self.frames()))
        shown = self.specular("endpoints", "show", "api.test", "GET", "/v1/users", "--jsonl", "--store", store).lines()
        self.assertEqual([("vxlan:7", 2), ("vxlan:8", 3)], [(e["network"], e["requests"]) for e in shown])
        shown = self.specular("endpoints", "show", "api.test", "GET", "/v1/users", "--json", "--store", store)
        self.assertTrue(shown.json())

    def test_one_connection_mirrored_twice_counts_once(self):
        frames = connection([USERS] * 4)
        found = self.endpoints(merged(in_vxlan(frames, 7), in_vxlan(later(frames, 300), 8)))
        self.assertEqual(4, sum(e["requests"] for e in found), found)

    def test_without_a_tunnel_there_is_no_network(self):
        self.assertEqual([None], [e["network"] for e in self.endpoints(connections([USERS]))])

    def test_only_what_is_tunnelled_if_so_configured(self):
        config = self.config("tunnels:\n  only_tunnelled: true\n")
        frames = merged(in_vxlan(connections([USERS]), 7), connections([user(3)], client="10.0.0.9", at=START + 10))
        self.assertEqual([("vxlan:7", "/v1/users", 1)], self.by_network(self.endpoints(frames, config=config)))

    def test_vxlan_on_a_configured_port(self):
        config = self.config("tunnels:\n  ports:\n    vxlan: [14789]\n")
        frames = in_vxlan(connections([USERS]), 7, port=14789)
        self.assertEqual([], self.endpoints(frames))
        self.assertEqual(["vxlan:7"], [e["network"] for e in self.endpoints(frames, config=config)])


if __name__ == "__main__":
    unittest.main()
