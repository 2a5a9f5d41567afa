"""What is called beside method and path, with which credentials, and until when: endpoints show and openapi export."""
import json
import unittest

from harness import CommandTest
from wire import connections, request, response

try:
    from openapi_spec_validator import OpenAPIV31SpecValidator
except ImportError:
    OpenAPIV31SpecValidator = None

JSON = "application/json"


def call(body, answer, target="/graphql", status=200, content_type=JSON, headers=(), answer_type=JSON):
    body = body if isinstance(body, str) else json.dumps(body)
    answer = answer if isinstance(answer, str) else json.dumps(answer)
    return (request("POST", target, body=body.encode(), content_type=content_type, headers=headers),
            response(status, answer.encode(), content_type=answer_type))


class OperationsTest(CommandTest):
    def store(self, *calls):
        return self.store_of(self.capture(connections(calls)))

    def shown(self, store, method, path):
        return self.specular("endpoints", "show", "api.test", method, path, "--json", "--store", store).json()

    def document(self, store, *options):
        document = self.specular("openapi", "export", "--format", "json", "--store", store, *options).json()
        if OpenAPIV31SpecValidator is not None:
            self.assertEqual([], [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()])
        self.assertNotIn("x-specular-contradictions", document)
        return document

    def operation(self, store, path, method="post"):
        return self.document(store)["paths"][path][method]


class Calls(OperationsTest):
    def test_graphql(self):
        good, bad = {"data": {"me": {"id": 1}}}, {"errors": [{"message": "no"}]}
        store = self.store(*[call({"query": "query Me { me { id } }", "operationName": "Me"}, good)] * 3,
                           call({"query": "{ me { id } }"}, bad), call({"query": "{ guessed }"}, bad),
                           call({"query": "mutation { add(x: 1) { id } }"}, {"data": {"add": {"id": 1}}}),
                           (request("GET", "/graphql?query=%7Bping%7D"), response(body=b'{"data":{"ping":1}}')))
        shown = self.shown(store, "POST", "/graphql")
        found = [(o["protocol"], o["type"], o["name"], o["calls"], o["errors"]) for o in shown["operations"]]
        self.assertEqual([("graphql", "query", "me", 3, 1), ("graphql", "mutation", "add", 1, 0),
                          ("graphql", "document", "Me", 3, 0)], found)
        self.assertEqual((2, 0), (shown["failed_calls"], shown["unconfirmed_calls"]))
        self.assertEqual({"200": 3}, shown["operations"][0]["statuses"])
        self.assertEqual(2, shown["operations"][2]["depth"])
        self.assertEqual(["ping"], [o["name"] for o in self.shown(store, "GET", "/graphql")["operations"]])
        exported = self.operation(store, "/graphql")
        self.assertEqual(shown["operations"], exported["x-specular-operations"])
        self.assertNotIn("guessed", json.dumps(self.document(store)))

    def test_json_rpc_mcp_soap_and_grpc_web(self):
        rpc = {"jsonrpc": "2.0", "id": 1}
        envelope = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>'
        grpc = "application/grpc-web+proto"
        store = self.store(
            call([{**rpc, "method": "a.b"}, {**rpc, "id": 2, "method": "c"}],
                 [{**rpc, "id": 2, "error": {"code": -1}}, {**rpc, "result": 1}], "/rpc"),
            call({**rpc, "method": "tools/call", "params": {"name": "search"}}, {**rpc, "result": {}}, "/mcp"),
            call(envelope % "<Price/>", envelope % "<PriceResponse/>", "/soap", content_type="text/xml",
                 answer_type="text/xml", headers=[("SOAPAction", '"urn:Price"')]),
            call("\0\0\0\0\0", "x", "/shop.Cart/Add", content_type=grpc, answer_type=grpc))
        names = {path: [(o["protocol"], o["name"]) for o in item["post"].get("x-specular-operations", [])]
                 for path, item in self.document(store)["paths"].items()}
        self.assertEqual({"/rpc": [("json-rpc", "a.b")], "/soap": [("soap", "Price")], "/shop.Cart/Add": [],
                          "/mcp": [("json-rpc", "tools/call"), ("mcp", "search")]}, names)
        self.assertEqual(1, self.shown(store, "POST", "/shop.Cart/Add")["unconfirmed_calls"])

    def test_operations_add_up_over_runs(self):
        store = self.store(call({"query": "{ me }"}, {"data": {}}))
        calls = [call({"query": query}, {"data": {}}) for query in ("{ me }", "{ b }")]
        again = self.capture(connections(calls), "b.pcap")
        self.specular("analyze", "--store", store, again)
        self.assertEqual({"me": 2, "b": 1},
                         {o["name"]: o["calls"] for o in self.shown(store, "POST", "/graphql")["operations"]})

    def test_minimal_documents_have_none(self):
        store = self.store(call({"query": "{ me }"}, {"data": {}}))
        self.assertNotIn("x-specular", json.dumps(self.document(store, "--minimal")))

    def test_names_from_clients_are_bounded(self):
        names = [f"n{i}" for i in range(400)]
        store = self.store(*[call({"query": "query %s { me }" % name}, {"data": {}}) for name in names])
        operations = self.shown(store, "POST", "/graphql")["operations"]
        self.assertEqual([("query", 400)], [(o["type"], o["calls"]) for o in operations if o["name"] == "me"])
        self.assertEqual(129, len(operations))


class Security(OperationsTest):
    def get(self, path, headers, status=200, size=3):
        return request("GET", path, headers=headers), response(status, b'{"a":"%s"}' % (b"x" * size))

    def test_together_or_instead_or_not_at_all(self):
        key, token = ("X-Api-Key", "k1"), ("Authorization", "Bearer t")
        store = self.store(*[self.get("/v1/both", [key, token])] * 3, *[self.get("/v1/either", [key], size=4)] * 3,
                           *[self.get("/v1/either", [token], size=4)] * 3, self.get("/v1/optional", [], size=5),
                           self.get("/v1/optional", [token], size=5), self.get("/v1/open", [], size=6),
                           self.get("/v1/both", [], 401))
        paths = self.document(store)["paths"]
        security = {path: paths[path]["get"].get("security") for path in paths}
        self.assertEqual([{"apiKey_header_x-api-key": [], "bearer": []}], security["/v1/both"])
        self.assertEqual([{"apiKey_header_x-api-key": []}, {"bearer": []}], security["/v1/either"])
        self.assertEqual([{}, {"bearer": []}], security["/v1/optional"])
        self.assertIsNone(security["/v1/open"])
        access = self.shown(store, "GET", "/v1/both")["access"]
        self.assertEqual([{"ways": [], "requests": 1, "granted": 0},
                          {"ways": ["apiKey:header:x-api-key", "bearer"], "requests": 3, "granted": 3}], access)

    def test_flows_of_oauth(self):
        form = "application/x-www-form-urlencoded"
        token = call("grant_type=client_credentials&scope=a%3Aread", {"access_token": "t"}, "/oauth/token",
                     content_type=form)
        store = self.store(token, self.get("/v1/a", [("Authorization", "Bearer t")]))
        document = self.document(store)
        self.assertEqual([{"oauth2": []}], document["paths"]["/v1/a"]["get"]["security"])
        self.assertEqual({"clientCredentials": {"tokenUrl": "http://api.test/oauth/token", "scopes": {"a:read": ""}}},
                         document["components"]["securitySchemes"]["oauth2"]["flows"])

    def test_no_credential_is_told_or_stored(self):
        secret = "0a1b2c3d4e5f6a7b8c9d"
        store = self.store(*[self.get(f"/v1/a?token={secret}x", [
            ("X-Api-Key", secret + "y"), ("Cookie", f"session={secret}z"), ("Private-Token", secret)])] * 3)
        told = json.dumps(self.shown(store, "GET", "/v1/a")) + json.dumps(self.document(store))
        self.assertNotIn(secret, told)
        for file in store.rglob("*"):
            self.assertFalse(file.is_file() and secret.encode() in file.read_bytes(), file)


class Deprecated(OperationsTest):
    def test_answers_say_so(self):
        old = response(headers=[("Deprecation", "@1600000000"), ("Sunset", "Wed, 31 Dec 2099 23:59:59 GMT")])
        later = response(body=b'{"n":1}', headers=[("Deprecation", "@3900000000")])
        document = self.document(self.store((request("GET", "/v1/old"), old), (request("GET", "/v1/later"), later),
                                            (request("GET", "/v1/new"), response(body=b'{"new":1}'))))
        operations = {path: item["get"] for path, item in document["paths"].items()}
        self.assertEqual({"/v1/old"}, {path for path in operations if operations[path].get("deprecated")})
        self.assertEqual("2099-12-31T23:59:59.000000000Z", operations["/v1/old"]["x-specular-sunset"])
        self.assertEqual("2093-08-01T21:20:00.000000000Z", operations["/v1/later"]["x-specular-deprecated-since"])


class Names(OperationsTest):
    def test_tags_and_identifiers(self):
        calls = [(request("GET", f"/api/v1/{name}"), response(body=b'{"%s":1}' % name.encode()))
                 for name in ("users", "users-x", "users_x")]
        document = self.document(self.store(*calls))
        self.assertEqual([{"name": name} for name in ("users", "users-x", "users_x")], document["tags"])
        ids = [item["get"]["operationId"] for item in document["paths"].values()]
        self.assertEqual(3, len(set(ids)))
        self.assertEqual(["get_api_v1_users", "get_api_v1_users_x"], ids[:2])


if __name__ == "__main__":
    unittest.main()
