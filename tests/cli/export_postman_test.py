"""specular export postman: collections as version 2.1.0 of the format demands them, and without anything secret."""
import json
import re
import unittest

from harness import CommandTest
from wire import connections, in_vxlan, merged, request, response

OK = response()
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
AUTH_TYPES = {"apikey", "awsv4", "basic", "bearer", "digest", "edgegrid", "hawk", "noauth", "oauth1", "oauth2", "ntlm"}
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class PostmanTest(CommandTest):
    def export(self, frames, *options, status=0):
        store = self.store_of(self.capture(frames))
        return self.specular("export", "postman", "--store", store, *options, status=status)

    def collection(self, *calls):
        collection = self.export(connections(calls)).json()
        self.check(collection)
        return collection

    def requests(self, *calls):
        """By name."""
        return {item["name"]: item["request"] for folder in self.collection(*calls)["item"] for item in folder["item"]}

    def request(self, *calls):
        [found] = self.requests(*calls).values()
        return found

    # The rules of the format's JSON Schema for all that is written.

    def check(self, collection):
        self.assertLessEqual({"info", "item"}, set(collection))
        self.assertEqual(SCHEMA, collection["info"]["schema"])
        self.assertTrue(collection["info"]["name"])
        self.check_pairs(collection["variable"])
        for folder in collection["item"]:
            self.assertEqual({"name", "item"}, set(folder))
            for item in folder["item"]:
                self.assertIsInstance(item["name"], str)
                self.assertEqual([], item["response"])
                self.check_request(item["request"])
        names = {variable["key"] for variable in collection["variable"]}
        used = set(re.findall(r"\{\{([^{}]+)\}\}", json.dumps(collection["item"])))
        self.assertEqual(used | {"baseUrl"}, names)

    def check_pairs(self, pairs):
        self.assertIsInstance(pairs, list)
        for pair in pairs:
            self.assertIsInstance(pair["key"], str)
            self.assertIsInstance(pair["value"], str)
            self.assertIsInstance(pair.get("disabled", False), bool)

    def check_request(self, asked):
        self.assertLessEqual(set(asked), {"method", "auth", "header", "body", "url", "description"})
        self.assertIsInstance(asked["method"], str)
        self.check_pairs(asked["header"])
        self.check_url(asked["url"])
        if "auth" in asked:
            self.check_auth(asked["auth"])
        if "body" in asked:
            self.check_body(asked["body"])

    def check_url(self, url):
        self.assertEqual(["{{baseUrl}}"], url["host"])
        self.assertTrue(url["raw"].startswith("{{baseUrl}}/"))
        self.assertEqual("{{baseUrl}}/" + "/".join(url["path"]), url["raw"].split("?")[0])
        self.check_pairs(url.get("query", []))
        self.check_pairs(url.get("variable", []))
        self.assertEqual([segment[1:] for segment in url["path"] if segment.startswith(":")],
                         [variable["key"] for variable in url.get("variable", [])])

    def check_auth(self, auth):
        self.assertIn(auth["type"], AUTH_TYPES)
        if auth["type"] == "noauth":
            return
        self.assertEqual({"type", auth["type"]}, set(auth))
        self.check_pairs(auth[auth["type"]])

    def check_body(self, body):
        self.assertIn(body["mode"], {"raw", "urlencoded", "formdata"})
        content = body[body["mode"]]
        if body["mode"] == "raw":
            self.assertIsInstance(content, str)
            return
        for field in content:
            self.assertIn(field.get("type", "text"), {"text", "file"})
            self.assertIn("src" if field.get("type") == "file" else "value", field)
            self.assertIsInstance(field["key"], str)


class Content(PostmanTest):
    def test_one_collection_of_a_host(self):
        collection = self.collection((request("GET", "/users", host="API.test:8080"), OK))
        self.assertEqual("api.test:8080", collection["info"]["name"])
        self.assertEqual([{"key": "baseUrl", "value": "http://api.test:8080"}], collection["variable"])

    def test_path_query_and_headers(self):
        calls = [(request("GET", f"/users/{i}?page={i}", headers=[("X-Tenant", "acme")]), OK) for i in range(1, 40)]
        asked = self.request(*calls)
        url = asked["url"]
        self.assertEqual(["users", ":userId"], url["path"])
        self.assertEqual([{"key": "userId", "value": "<integer>"}], url["variable"])
        self.assertEqual(("page", "<integer>"), (url["query"][0]["key"], url["query"][0]["value"]))
        self.assertEqual(("x-tenant", "<string>"), (asked["header"][0]["key"], asked["header"][0]["value"]))

    def test_what_is_a_part_of_a_segment_is_a_variable_of_the_collection(self):
        collection = self.collection(*[(request("GET", f"/reports/{i}.json"), OK) for i in range(100, 140)])
        [item] = collection["item"][0]["item"]
        self.assertEqual(["reports", "{{reportId}}.json"], item["request"]["url"]["path"])
        self.assertIn({"key": "reportId", "value": ""}, collection["variable"])

    def test_bodies(self):
        calls = [(request("POST", "/users", content_type=JSON,
                          body=b'{"age":41,"mail":"ann@corp.example","tags":["x"],"on":true}'), response(201)),
                 (request("POST", "/login", content_type=FORM, body=b"user=ann&code=7"), OK)]
        found = self.requests(*calls)
        body = found["POST /users"]["body"]
        self.assertEqual({"raw": {"language": "json"}}, body["options"])
        self.assertEqual({"age": 0, "mail": "<email>", "on": False, "tags": ["<string>"]}, json.loads(body["raw"]))
        self.assertIn({"key": "Content-Type", "value": JSON}, found["POST /users"]["header"])
        form = found["POST /login"]["body"]
        self.assertEqual([("code", "<integer>"), ("user", "<string>")],
                         [(field["key"], field["value"]) for field in form["urlencoded"]])

    def test_multipart_forms(self):
        body = (b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nhello\r\n'
                b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n'
                b'Content-Type: application/octet-stream\r\n\r\n\x00\r\n--b--\r\n')
        asked = self.request((request("POST", "/files", content_type="multipart/form-data; boundary=b", body=body), OK))
        self.assertEqual("formdata", asked["body"]["mode"])
        self.assertEqual(["f", "title"], sorted(field["key"] for field in asked["body"]["formdata"]))

    def test_folders_are_first_segments(self):
        calls = [(request("GET", path), OK) for path in ("/users", "/users/me", "/orders")]
        self.assertEqual({"users": 2, "orders": 1},
                         {folder["name"]: len(folder["item"]) for folder in self.collection(*calls)["item"]})


class Credentials(PostmanTest):
    SECRETS = ("s3cr3t-t0ken", "QWxhZGRpbjpvcGVu", "k3y-0f-ann", "ann@corp.example", "4111111111111111")

    def auth(self, headers=(), target="/users"):
        collection = self.collection((request("GET", target, headers=list(headers)), OK))
        return collection["item"][0]["item"][0]["request"], {v["key"]: v["value"] for v in collection["variable"]}

    def test_bearer(self):
        asked, variables = self.auth([("Authorization", "Bearer s3cr3t-t0ken")])
        self.assertEqual({"type": "bearer", "bearer": [{"key": "token", "value": "{{bearerToken}}", "type": "string"}]},
                         asked["auth"])
        self.assertEqual("", variables["bearerToken"])

    def test_basic(self):
        asked, variables = self.auth([("Authorization", "Basic QWxhZGRpbjpvcGVu")])
        self.assertEqual("basic", asked["auth"]["type"])
        self.assertEqual(["{{basicUsername}}", "{{basicPassword}}"], [a["value"] for a in asked["auth"]["basic"]])
        self.assertEqual(("", ""), (variables["basicUsername"], variables["basicPassword"]))

    def test_api_keys(self):
        for headers, target, where in (([("X-Api-Key", "k3y-0f-ann")], "/users", "header"),
                                       ([], "/users?api_key=k3y-0f-ann", "query")):
            asked, variables = self.auth(headers, target)
            self.assertEqual("apikey", asked["auth"]["type"], asked)
            attributes = {a["key"]: a["value"] for a in asked["auth"]["apikey"]}
            self.assertEqual(where, attributes["in"])
            self.assertEqual("", variables[attributes["value"].strip("{}")])

    def test_none(self):
        self.assertEqual({"type": "noauth"}, self.auth()[0]["auth"])

    def test_nothing_of_the_payload_is_there(self):
        calls = [(request("POST", f"/users/{i}?card=4111111111111111&plan=gold", content_type=JSON,
                          headers=[("Authorization", "Bearer s3cr3t-t0ken"), ("X-Api-Key", "k3y-0f-ann"),
                                   ("X-Mail", "ann@corp.example")],
                          body=b'{"mail":"ann@corp.example","plan":"gold","n":77%d}' % i),
                  response(body=b'{"card":"4111111111111111"}')) for i in range(100)]
        text = self.export(connections(calls)).out
        for secret in self.SECRETS + ("gold", "77"):
            self.assertNotIn(secret, text)


class Output(PostmanTest):
    def frames(self):
        return merged(connections([(request("GET", "/a", host="a.test"), OK)]),
                      connections([(request("GET", "/b", host="b.test"), OK)], client="10.0.0.9"))

    def test_several_hosts_want_a_folder(self):
        self.one_line(self.export(self.frames(), status=2), "2 hosts", "--host", "-o")
        self.export(self.frames(), "-o", self.folder / "out")
        self.assertEqual(["a.test.json", "b.test.json"], sorted(p.name for p in (self.folder / "out").iterdir()))
        self.check(json.loads((self.folder / "out/a.test.json").read_text()))

    def test_one_host_into_a_file(self):
        path = self.folder / "c.json"
        done = self.export(self.frames(), "--host", "b.test", "-o", path)
        self.assertEqual("", done.out)
        self.assertEqual("b.test", json.loads(path.read_text())["info"]["name"])

    def test_the_same_store_gives_the_same_bytes(self):
        store = self.store_of(self.capture(self.frames()))
        texts = {self.specular("export", "postman", "--store", store, "--host", "a.test").out for _ in range(2)}
        self.assertEqual(1, len(texts))

    def test_what_fails(self):
        self.one_line(self.specular("export", "postman", status=2), "--store")
        self.one_line(self.export(self.frames(), "--host", "c.test", status=1), "c.test")
        self.specular("export", status=2)
        done = self.export(in_vxlan(self.frames(), 7), "--host", "a.test", "-o", self.folder / "no/such/file", status=1)
        self.one_line(done, "no/such/file")


if __name__ == "__main__":
    unittest.main()
