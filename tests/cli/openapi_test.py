"""specular openapi export and analyze --openapi: what is in the documents, and where they go."""
import json
import re
import unittest

from harness import CommandTest
from wire import START, Conversation, connections, head_only, in_vxlan, merged, request, response

try:
    import yaml
except ImportError:
    yaml = None

OK = response()
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
TYPES = {"string", "integer", "number", "boolean", "array", "object", "null"}
JSON = "application/json"

# Names that careless YAML turns into something else than text.
ODD_NAMES = ["on", "no", "y", "null", "true", "1e3", "0x1f", "0o17", "1:30", "12", "-1", ".5", "2024-01-01", "<<", "=",
             "*a", "!tag", "@x", "a:b", "-", "'q'", "%22dq%22", "a%23b", "~", "[x]", "{y}", "|", ">", "`", "a,b"]


def shape_of(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


class DocumentTest(CommandTest):
    def export(self, frames, *options, status=0):
        store = self.store_of(self.capture(frames))
        return self.specular("openapi", "export", *options, "--store", store, status=status)

    def document(self, *calls):
        text = self.export(connections(calls), "--format", "json").out
        document = json.loads(text)
        self.check(document)
        return document

    def check(self, document):
        """The rules of OpenAPI 3.1 that a generated document can break."""
        self.assertRegex(document["openapi"], r"^3\.1\.\d+$")
        self.assertIsInstance(document["info"]["title"], str)
        self.assertIsInstance(document["info"]["version"], str)
        self.assertTrue(document["servers"][0]["url"])
        self.assertTrue(document["paths"])
        shapes = [shape_of(path) for path in document["paths"]]
        self.assertEqual(len(shapes), len(set(shapes)), "two paths differ in names of parameters only")
        identifiers = []
        for path, item in document["paths"].items():
            self.assertTrue(path.startswith("/"), path)
            for method, operation in item.items():
                if not method.startswith("x-"):
                    self.assertIn(method, METHODS)
                    self.check_operation(document, path, operation)
                    identifiers.append(operation["operationId"])
        self.assertEqual(len(identifiers), len(set(identifiers)), identifiers)

    def check_operation(self, document, path, operation):
        self.check_parameters(path, operation.get("parameters", []))
        self.assertTrue(operation["responses"])
        for status, answer in operation["responses"].items():
            self.assertRegex(status, r"^([1-5](\d\d|XX)|default)$")
            self.assertIsInstance(answer["description"], str)
        schemes = document.get("components", {}).get("securitySchemes", {})
        for requirement in operation.get("security", []):
            for name in requirement:
                self.assertRegex(name, r"^[\w.-]+$")
                self.assertIn(name, schemes)

    def check_parameters(self, path, parameters):
        keys = [(p["in"], p["name"]) for p in parameters]
        self.assertEqual(len(keys), len(set(keys)), keys)
        self.assertEqual(sorted(re.findall(r"\{([^}]*)\}", path)), sorted(n for where, n in keys if where == "path"))
        for parameter in parameters:
            self.assertIn(parameter["in"], {"path", "query", "header", "cookie"})
            self.assertIn(parameter["schema"]["type"], TYPES)
            if parameter["in"] == "path":
                self.assertIs(True, parameter["required"])
            if parameter["in"] == "header":
                self.assertNotIn(parameter["name"].lower(), {"accept", "content-type", "authorization"})


class Content(DocumentTest):
    def test_version_host_and_server(self):
        document = self.document((request("GET", "/v1/users", host="API.test:8080"), OK))
        self.assertEqual(("3.1.0", "api.test:8080", "http://api.test:8080"),
                         (document["openapi"], document["info"]["title"], document["servers"][0]["url"]))

    def test_paths_and_methods(self):
        calls = [(request("GET", f"/v1/users/{i}"), OK) for i in range(1, 20)]
        calls += [(request("DELETE", "/v1/users/3"), head_only(204)), (request("POST", "/v1/users", body=b"{}"), OK)]
        paths = self.document(*calls)["paths"]
        self.assertEqual({"/v1/users": ["post"], "/v1/users/{userId}": ["delete", "get"]},
                         {path: sorted(item) for path, item in paths.items()})

    def test_path_query_and_header_parameters(self):
        calls = [(request("GET", f"/v1/users/{i}?page={i}&sort=name", headers=[("X-Tenant", "acme")]), OK)
                 for i in range(1, 9)]
        operation = self.document(*calls)["paths"]["/v1/users/{userId}"]["get"]
        found = {(p["in"], p["name"]): p["schema"]["type"] for p in operation["parameters"]}
        self.assertEqual({("path", "userId"): "integer", ("query", "page"): "integer", ("query", "sort"): "string",
                          ("header", "x-tenant"): "string"}, found)

    def test_headers_of_http_itself_are_no_parameters(self):
        headers = [("Accept", "*/*"), ("User-Agent", "x"), ("Authorization", "Bearer x"), ("Cookie", "session=b"),
                   ("Connection", "close")]
        operation = self.document((request("GET", "/v1/users", headers=headers), OK))["paths"]["/v1/users"]["get"]
        self.assertEqual([], operation.get("parameters", []))

    def test_schemas_of_bodies_and_cookies(self):
        calls = [(request("POST", "/v1/users", body=b'{"age":%d,"mail":"a%d@b.example"}' % (i, i), content_type=JSON,
                          headers=[("Cookie", "theme=dark; session=x")]),
                  response(201, body=b'{"id":%d,"tags":["a b"]}' % i, content_type=JSON)) for i in range(3)]
        operation = self.document(*calls)["paths"]["/v1/users"]["post"]
        self.assertEqual({"type": "object", "properties": {"age": {"type": "integer"},
                                                           "mail": {"type": "string", "format": "email"}}},
                         operation["requestBody"]["content"][JSON]["schema"])
        answer = operation["responses"]["201"]["content"][JSON]
        self.assertEqual({"type": "object", "properties": {"id": {"type": "integer"}, "tags": {
            "type": "array", "items": {"type": "string"}}}}, answer["schema"])
        self.assertEqual(3, answer["x-specular-documents"])
        self.assertEqual([("cookie", "theme")], [(p["in"], p["name"]) for p in operation["parameters"]])

    def test_minimal_documents_have_no_extensions(self):
        calls = connections([(request("GET", f"/v1/users/{i}?page=1"), OK) for i in range(9)])
        self.assertIn("x-specular", self.export(calls, "--format", "json").out)
        minimal = self.export(calls, "--format", "json", "--minimal").out
        self.assertNotIn("x-specular", minimal)
        self.check(json.loads(minimal))

    def test_request_bodies_and_responses(self):
        calls = [(request("POST", "/v1/users", body=b"{}", content_type="Application/JSON; charset=utf-8"),
                  response(201)),
                 (request("POST", "/v1/users", body=b"{}", content_type=JSON),
                  response(422, content_type="application/problem+json"))]
        operation = self.document(*calls)["paths"]["/v1/users"]["post"]
        self.assertEqual([JSON], list(operation["requestBody"]["content"]))
        self.assertEqual(["201", "422"], sorted(operation["responses"]))
        self.assertIn(JSON, operation["responses"]["201"]["content"])

    def test_security(self):
        calls = [(request("GET", "/v1/a", headers=[("Authorization", "Bearer x")]), OK),
                 (request("GET", "/v1/b", headers=[("X-Api-Key", "x")]), OK), (request("GET", "/v1/c"), OK),
                 (request("GET", "/v1/d?api_key=x"), OK)]
        document = self.document(*calls)
        schemes = document["components"]["securitySchemes"]
        used = {path: [schemes[n] for r in item["get"].get("security", []) for n in r]
                for path, item in document["paths"].items()}
        self.assertEqual([{"type": "http", "scheme": "bearer"}], used["/v1/a"])
        self.assertEqual([{"type": "apiKey", "in": "header", "name": "x-api-key"}], used["/v1/b"])
        self.assertEqual([], used["/v1/c"])
        self.assertEqual([{"type": "apiKey", "in": "query", "name": "api_key"}], used["/v1/d"])

    def test_only_apis_are_in_it(self):
        page = (request(target="/about"), response(body=b"<html>", content_type="text/html"))
        style = (request(target="/a.css"), response(body=b"a{}", content_type="text/css"))
        self.assertEqual(["/v1/users"], list(self.document(page, style, (request("GET", "/v1/users"), OK))["paths"]))

    def test_methods_that_openapi_does_not_know_do_not_spoil_it(self):
        calls = [(request(m, "/v1/users"), OK) for m in ("GET", "PURGE", "QUERY")]
        item = self.document(*calls)["paths"]["/v1/users"]
        self.assertEqual(["get"], [key for key in item if not key.startswith("x-")])

    def test_an_endpoint_whose_answers_were_not_seen(self):
        talk = Conversation(client="10.0.0.9:5").open().request(request("GET", "/v1/users"))
        frames = merged(connections([(request("GET", "/v1/b"), OK)]), talk.acknowledge("server").close().frames)
        document = json.loads(self.export(frames, "--format", "json").out)
        self.check(document)
        self.assertIn("/v1/b", document["paths"])

    def test_statuses_outside_of_the_standard(self):
        for status in (299, 520, 599, 600, 999):
            with self.subTest(status):
                self.document((request("GET", "/v1/users"), response(status)), (request("GET", "/v1/users"), OK))

    def test_odd_names_of_parameters(self):
        query = "&".join(f"{name}=1" for name in ODD_NAMES)
        operation = self.document((request("GET", f"/v1/users?{query}"), OK))["paths"]["/v1/users"]["get"]
        self.assertLessEqual({"on", "null", "1e3"}, {p["name"] for p in operation["parameters"]})


class Yaml(DocumentTest):
    def setUp(self):
        super().setUp()
        if yaml is None:
            self.skipTest("python3-yaml is not installed")

    def both(self, *calls):
        store = self.store_of(self.capture(connections(calls)))
        texts = [self.specular("openapi", "export", "--format", form, "--store", store).out
                 for form in ("yaml", "json")]
        return yaml.safe_load(texts[0]), json.loads(texts[1])

    def test_says_the_same_as_json(self):
        calls = [(request("GET", f"/v1/users/{i}?from=2024-01-01", headers=[("Authorization", "Bearer x")]), OK)
                 for i in range(9)]
        from_yaml, from_json = self.both(*calls,
                                         (request("POST", "/v1/users", body=b"{}", content_type=JSON), response(201)))
        self.assertEqual(from_json, from_yaml)
        self.assertEqual(2, len(from_yaml["paths"]))

    def test_says_the_same_as_json_for_odd_names(self):
        query = "&".join(f"{name}=1" for name in ODD_NAMES)
        paths = ["/v1/null", "/v1/yes", "/v1/a:b", "/v1/@me", "/v1/'x'", "/v1/-", "/v1/=", "/v1/*", "/v1/a,b"]
        calls = [(request("GET", f"{path}?{query}", headers=[("X-On", "no")]), response(body=path.encode() * (i + 1)))
                 for i, path in enumerate(paths)]
        from_yaml, from_json = self.both(*calls)
        self.assertEqual(from_json, from_yaml)
        self.assertGreater(len(from_yaml["paths"]), 5)


class Places(DocumentTest):
    HOSTS = ["a.test", "b.test:8080", "my_api.test", "[2001:db8::2]"]
    FILES = ["_2001_db8__2_", "a.test", "b.test_8080", "my_api.test"]

    def several(self, hosts=None):
        calls = [(request("GET", "/v1/users", host=h), response(body=b"x" * (i + 3)))
                 for i, h in enumerate(hosts or self.HOSTS)]
        return self.store_of(self.capture(connections(calls)))

    def names(self, folder):
        return sorted(path.name for path in folder.iterdir())

    def test_one_host_to_standard_output_in_yaml(self):
        text = self.export(connections([(request("GET", "/v1/users"), OK)])).out
        self.assertTrue(text.startswith("openapi:"), text[:50])

    def test_several_hosts_to_standard_output_are_wrong_usage(self):
        result = self.specular("openapi", "export", "--store", self.several(), status=2)
        self.assertEqual("", result.out)
        self.one_line(result, "--host", "-o")

    def test_one_of_several_by_name(self):
        store = self.several()
        for name in ("b.test:8080", "B.Test:8080"):
            result = self.specular("openapi", "export", "--host", name, "--format", "json", "--store", store)
            self.assertEqual("b.test:8080", result.json()["info"]["title"])

    def test_a_host_that_is_not_there(self):
        result = self.specular("openapi", "export", "--host", "c.test", "--store", self.several(), status=1)
        self.one_line(result, "c.test")

    def test_a_file(self):
        store, file = self.several(["a.test"]), self.path("doc.yaml")
        result = self.specular("openapi", "export", "-o", file, "--store", store)
        self.assertEqual("", result.out)
        self.assertEqual(self.specular("openapi", "export", "--store", store).out, file.read_text(encoding="utf-8"))

    def test_a_folder_that_is_there(self):
        folder = self.path("docs")
        folder.mkdir()
        self.specular("openapi", "export", "-o", folder, "--store", self.several(["b.test:8080"]))
        self.assertEqual(["b.test_8080.yaml"], self.names(folder))

    def test_several_hosts_into_a_folder_that_is_made(self):
        folder = self.path("new/docs")
        self.specular("openapi", "export", "-o", folder, "--format", "json", "--store", self.several())
        self.assertEqual([f"{name}.json" for name in self.FILES], self.names(folder))
        for file in folder.iterdir():
            self.check(json.loads(file.read_text(encoding="utf-8")))

    def test_analyze_writes_the_same_documents(self):
        store, analyzed, exported = self.several(), self.path("analyzed"), self.path("exported")
        self.specular("analyze", "--openapi", analyzed, self.folder / "a.pcap")
        self.specular("openapi", "export", "-o", exported, "--store", store)
        self.assertEqual([f"{name}.yaml" for name in self.FILES], self.names(analyzed))
        for name in self.names(exported):
            self.assertEqual((exported / name).read_bytes(), (analyzed / name).read_bytes())

    def test_the_same_bytes_at_every_run(self):
        store = self.several(["a.test"])
        again = self.folder / "again"
        self.specular("analyze", "--store", again, self.folder / "a.pcap")
        texts = {self.specular("openapi", "export", "--store", s).out for s in (store, store, again)}
        self.assertEqual(1, len(texts))
        self.assertIn("/v1/users", texts.pop())

    def test_hosts_whose_file_names_are_equal_lose_nothing(self):
        hosts = ["api.test:8080", "api.test_8080", "api.test!8080", "api.test*8080"]
        folder = self.path("docs")
        self.specular("openapi", "export", "-o", folder, "--format", "json", "--store", self.several(hosts))
        titles = [json.loads(f.read_text(encoding="utf-8"))["info"]["title"] for f in folder.iterdir()]
        self.assertEqual(sorted(hosts), sorted(titles))
        self.assertIn("api.test_8080.json", self.names(folder))

    def test_one_host_in_two_networks_is_two_documents(self):
        calls = [(request("GET", "/v1/users"), OK)]
        frames = merged(in_vxlan(connections(calls), 7),
                        in_vxlan(connections(calls, client="10.0.0.9", at=START + 9), 8))
        folder = self.path("docs")
        self.specular("openapi", "export", "-o", folder, "--store", self.store_of(self.capture(frames)))
        self.assertEqual(2, len(self.names(folder)))

    def test_hosts_cannot_choose_another_folder(self):
        hosts = ["../../outside", "..", ".", "/etc/outside", "a/b", "..\\x"]
        folder = self.path("deep/deeper/docs")
        self.specular("openapi", "export", "-o", folder, "--store", self.several(hosts))
        written = [p for p in self.folder.rglob("*.yaml")]
        self.assertEqual(len(hosts), len(written))
        self.assertEqual({folder}, {p.parent for p in written})

    def test_a_very_long_host_does_not_keep_the_others_from_being_written(self):
        folder = self.path("docs")
        self.specular("openapi", "export", "-o", folder, "--store", self.several(["a" * 300 + ".test", "b.test"]))
        self.assertIn("b.test.yaml", self.names(folder))

    def test_a_place_that_cannot_be_written_is_said(self):
        store = self.several(["a.test"])
        for place in (self.folder / "no/such/doc.yaml", self.file("file", "") / "x.yaml"):
            result = self.specular("openapi", "export", "-o", place, "--store", store, status=1)
            self.one_line(result, place)

    def test_an_unknown_format_is_wrong_usage(self):
        self.specular("openapi", "export", "--format", "xml", "--store", self.several(["a.test"]), status=2)

    def test_a_store_without_apis(self):
        result = self.specular("openapi", "export", "--store", self.store_of(self.capture([])), status=1)
        self.one_line(result, "no API")


if __name__ == "__main__":
    unittest.main()
