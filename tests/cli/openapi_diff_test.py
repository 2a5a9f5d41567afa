"""specular openapi diff: documents and stores on either side, what breaks, how it is told and how it ends."""
import json
import unittest

from harness import CommandTest
from wire import connections, in_vxlan, merged, request, response

OK = response()
KEYS = {"breaking", "change", "subject", "method", "path", "place", "aspect", "old", "new", "reason", "old_line",
        "new_line"}


def document(paths, **more):
    return {"openapi": "3.1.0", "info": {"title": "Users", "version": "1"}, "paths": paths, **more}


def answering(schema, **operation):
    return {"responses": {"200": {"description": "", "content": {"application/json": {"schema": schema}}}},
            **operation}


USER = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}, "required": ["id"]}


class DiffTest(CommandTest):
    def write(self, name, content):
        return self.file(name, content if isinstance(content, str) else json.dumps(content, indent=1))

    def changes(self, before, after, *options):
        """What differs between two documents, or folders."""
        sides = [side if hasattr(side, "exists") else self.write(f"{name}.json", side)
                 for name, side in (("old", before), ("new", after))]
        rows = self.rows("openapi", "diff", *sides, *options)
        for row in rows:
            self.assertEqual(KEYS, set(row))
            self.assertTrue(row["reason"])
        return rows

    def words(self, *sides_and_options):
        return [" ".join(["breaking" if row["breaking"] else "fine", row["change"], row["subject"]]
                         + [row[key] for key in ("method", "path", "place", "aspect") if row[key]])
                for row in self.changes(*sides_and_options)]


class Documents(DiffTest):
    def test_nothing_differs(self):
        old = document({"/users/{id}": {"get": answering(USER)}})
        new = document({"/users/{userId}": {"get": answering(USER)}})
        self.assertEqual([], self.changes(old, new))
        done = self.specular("openapi", "diff", self.folder / "old.json", self.folder / "new.json")
        self.assertEqual("0 changes, 0 breaking\n", done.err)

    def test_operations_and_properties(self):
        old = document({"/users": {"get": answering(USER), "delete": answering({})}})
        new = document({"/users": {"get": answering({**USER, "properties": {"id": {"type": ["integer", "null"]}}}),
                                   "post": answering({})}})
        self.assertEqual(["breaking removed operation DELETE /users",
                          "breaking changed response property GET /users 200 application/json id type",
                          "breaking removed response property GET /users 200 application/json name",
                          "fine added operation POST /users"], self.words(old, new))

    def test_a_row_says_how_it_was_and_where(self):
        old = "openapi: 3.0.3\npaths:\n  /a:\n    get:\n      parameters:\n      - in: query\n        name: n\n" \
              "        schema:\n          type: integer\n"
        self.write("old.yaml", old)
        self.write("new.yaml", old.replace("type: integer", "type: integer\n          maximum: 9"))
        [row] = self.rows("openapi", "diff", self.folder / "old.yaml", self.folder / "new.yaml")
        self.assertEqual({"breaking": True, "change": "added", "subject": "parameter", "method": "GET", "path": "/a",
                          "place": "query n", "aspect": "maximum", "old": None, "new": "9",
                          "reason": "what clients send today may be refused", "old_line": 9, "new_line": 9}, row)

    def test_versions_differ_in_nothing_but_their_ways(self):
        old = {"swagger": "2.0", "info": {"title": "t", "version": "1"}, "host": "api.test", "basePath": "/v1",
               "schemes": ["https"], "securityDefinitions": {"b": {"type": "basic"}}, "security": [{"b": []}],
               "paths": {"/users/{id}": {"put": {
                   "parameters": [{"in": "path", "name": "id", "type": "integer", "required": True},
                                  {"in": "body", "name": "user", "required": True, "schema": USER}],
                   "responses": {"200": {"description": "", "schema": {"type": "string", "x-nullable": True}}}}}}}
        new = document({"/v1/users/{user}": {"put": {
            "parameters": [{"in": "path", "name": "user", "required": True, "schema": {"type": "integer"}}],
            "requestBody": {"required": True, "content": {"application/json": {"schema": USER}}},
            **answering({"type": ["string", "null"]})}}},
            components={"securitySchemes": {"basic": {"type": "http", "scheme": "Basic"}}}, security=[{"basic": []}])
        self.assertEqual(["breaking removed server https://api.test/v1"], self.words(old, new))

    def test_a_document_from_standard_input(self):
        path = self.write("old.json", document({"/a": {"get": answering({})}}))
        done = self.specular("openapi", "diff", path, "-", "--jsonl", stdin=json.dumps(document({})).encode())
        self.assertEqual(["removed"], [row["change"] for row in done.lines()])

    def test_the_table_is_for_people(self):
        self.write("old.json", document({"/a": {"get": answering({"type": "string"})}}))
        self.write("new.json", document({"/a": {"get": answering({"type": "integer"})}}))
        done = self.specular("openapi", "diff", self.folder / "old.json", self.folder / "new.json")
        title, line = done.out.splitlines()
        self.assertRegex(title, r"^BREAKING +CHANGE +SUBJECT +METHOD +PATH +PLACE +WHAT +REASON$")
        self.assertRegex(line, r"^yes +changed +response body +GET +/a +200 application/json +type: string → integer +")
        self.assertEqual("1 change, 1 breaking\n", done.err)

    def test_what_documents_say_cannot_reach_the_terminal(self):
        evil = "/\x1b[2J"
        self.write("old.json", document({}))
        self.write("new.json", document({evil: {"get": answering({})}}))
        for options in ([], ["--json"]):
            done = self.specular("openapi", "diff", self.folder / "old.json", self.folder / "new.json", *options)
            self.assertNotIn(b"\x1b", done.out_bytes)


class Status(DiffTest):
    def sides(self, before, after):
        return self.write("old.json", before), self.write("new.json", after)

    def test_differences_alone_are_no_failure(self):
        sides = self.sides(document({"/a": {"get": answering({})}}), document({}))
        self.specular("openapi", "diff", *sides, status=0)

    def test_fail_on(self):
        one, two = document({"/a": {"get": answering({})}}), document({"/a": {"get": answering({})}, "/b": {
            "get": answering({})}})
        for old, new, fail_on, status in ((two, one, "breaking", 3), (one, two, "breaking", 0), (one, two, "any", 3),
                                          (one, one, "any", 0)):
            done = self.specular("openapi", "diff", *self.sides(old, new), "--fail-on", fail_on, "--json",
                                 status=status)
            self.assertIsInstance(done.json(), list)

    def test_wrong_usage(self):
        old, new = self.sides(document({}), document({}))
        self.specular("openapi", "diff", old, status=2)
        self.specular("openapi", "diff", old, new, "--fail-on", "x", status=2)
        self.one_line(self.specular("openapi", "diff", old, new, "--host", "a.test", status=2), "--host")

    def test_a_broken_document_is_refused_with_its_line(self):
        good = self.write("good.json", document({}))
        for text, line, words in (("openapi: 3.1.0\npaths:\n  a: {}\n", 3, "begin with /"),
                                  ('{"openapi": "3.1.0",\n"paths": {]}', 2, "unexpected"),
                                  ("openapi: 3.1.0\npaths: {/a: {$ref: 'b.yaml'}}", 2, "outside"),
                                  ("hello: [", 1, ""), ("openapi: 4.0.0", 1, "4.0.0")):
            bad = self.write("bad.yaml", text)
            for sides in ((good, bad), (bad, good)):
                done = self.specular("openapi", "diff", *sides, status=1)
                self.one_line(done, f"{bad}:{line}: ", words)
                self.assertEqual("", done.out)

    def test_hostile_documents_end_soon(self):
        bomb = "openapi: 3.1.0\nx0: &x0 [a, a]\n" + "".join(
            f"x{i}: &x{i} [*x{i - 1}, *x{i - 1}]\n" for i in range(1, 100))
        bomb += "paths: {/a: {get: {parameters: [{in: query, name: q, schema: {enum: *x99}}]}}}\n"
        for text in (bomb, "a: " + "[" * 100_000, "[" * 1_000_000, '{"a":' * 1_000_000):
            bad = self.write("bad", text)
            self.one_line(self.specular("openapi", "diff", bad, bad, status=1), bad)

    def test_no_such_file(self):
        self.one_line(self.specular("openapi", "diff", "nowhere.yaml", "nowhere.yaml", status=1), "nowhere.yaml")


class Stores(DiffTest):
    def users(self, name="v1", host="api.test", body=b'{"id":1,"name":"x"}', client="10.0.0.1"):
        return connections([(request("GET", f"/{name}/users/{i}", host=host), response(body=body))
                            for i in range(30)], client=client)

    def test_a_document_against_what_was_learned(self):
        store = self.store_of(self.capture(self.users()))
        old = document({"/users/{id}": {
            "parameters": [{"in": "path", "name": "id", "required": True, "schema": {"type": "integer"}}],
            "get": answering({**USER, "required": []}), "delete": answering({})}},
            servers=[{"url": "https://api.test/v1"}])
        self.assertEqual(["breaking removed operation DELETE /v1/users/{id}"], self.words(old, store))
        self.assertEqual(["fine added operation DELETE /v1/users/{id}"], self.words(store, old))
        self.assertIsNone(self.changes(store, old)[0]["old_line"])

    def test_a_store_against_itself_and_its_own_export(self):
        store = self.store_of(self.capture(self.users()))
        self.assertEqual([], self.changes(store, store))
        for form in ("yaml", "json"):
            exported = self.path(f"export.{form}")
            self.specular("openapi", "export", "--store", store, "--format", form, "-o", exported)
            self.assertEqual([], self.changes(store, exported))
            self.assertEqual([], self.changes(exported, store))

    def test_what_traffic_stopped_to_show(self):
        old = self.store_of(self.capture(self.users()))
        new = self.store_of(self.capture(self.users(body=b'{"id":"a"}')))
        self.assertEqual(["breaking changed response property GET /v1/users/{userId} 200 application/json id type",
                          "breaking removed response property GET /v1/users/{userId} 200 application/json name"],
                         self.words(old, new))

    def test_of_several_hosts_one_is_meant(self):
        store = self.store_of(self.capture(merged(self.users(), self.users(host="b.test", client="10.0.0.9"))))
        other = self.store_of(self.capture(self.users()))
        done = self.specular("openapi", "diff", store, other, status=2)
        self.one_line(done, "2 hosts", "--host")
        self.assertEqual([], self.changes(store, other, "--host", "api.test"))
        told = document({"/v1/users/{id}": {"get": answering(USER)}}, servers=[{"url": "http://b.test"}])
        self.assertEqual([], [row for row in self.changes(told, store) if row["subject"] == "operation"])
        self.one_line(self.specular("openapi", "diff", store, other, "--host", "c.test", status=1), "c.test")

    def test_of_several_networks_one_is_meant(self):
        frames = merged(in_vxlan(self.users(), 7), in_vxlan(self.users(name="v2", client="10.0.0.9"), 8))
        store = self.store_of(self.capture(frames))
        self.one_line(self.specular("openapi", "diff", store, store, "--host", "api.test", status=2), "--network")
        self.assertEqual([], self.changes(store, store, "--network", "vxlan:7"))

    def test_a_folder_that_is_no_store(self):
        self.path("empty/x")
        path = self.write("old.json", document({}))
        self.one_line(self.specular("openapi", "diff", path, self.folder / "empty", status=1), "empty")


if __name__ == "__main__":
    unittest.main()
