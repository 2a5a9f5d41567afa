"""What paths are taken for: the table in the README, line by line."""
import unittest

from harness import CommandTest
from wire import connections, request, response

UUIDS = [f"123e4567-e89b-12d3-a456-4266141740{i:02x}" for i in range(12)]


class Paths(CommandTest):
    def paths(self, *targets, method="GET"):
        """The paths that are listed after a request to each target, with how many requests they had."""
        calls = [(request(method, target), response(body=b'{"n":%d}' % i)) for i, target in enumerate(targets)]
        return {e["path"]: e["requests"] for e in self.endpoints(connections(calls))}

    def test_versions_are_names(self):
        self.assertEqual({"/v1/users": 1, "/v2/users": 1, "/v1beta2/users": 1},
                         self.paths("/v1/users", "/v2/users", "/v1beta2/users"))

    def test_a_verb_behind_a_value_stays(self):
        self.assertEqual({"/jobs/{jobId}:cancel": 12}, self.paths(*(f"/jobs/{u}:cancel" for u in UUIDS)))

    def test_an_extension_behind_a_value_stays(self):
        self.assertEqual({"/reports/{reportId}.json": 12, "/reports/{reportId}": 12},
                         self.paths(*(f"/reports/{u}.json" for u in UUIDS), *(f"/reports/{u}" for u in UUIDS)))

    def test_matrix_parameters_are_left_out(self):
        self.assertEqual({"/cars/list": 3}, self.paths("/cars;color=red/list", "/cars/list;page=2", "/cars/list"))

    def test_an_encoded_slash_is_part_of_its_segment(self):
        self.assertEqual({"/files/a%2Fb": 2, "/files/a/b": 1}, self.paths("/files/a%2Fb", "/files/a%2fb", "/files/a/b"))

    def test_empty_segments_and_a_trailing_slash_are_left_out(self):
        self.assertEqual({"/v1/users": 4}, self.paths("/v1/users", "//v1//users", "/v1/users/", "/v1/users//"))

    def test_case_tells_paths_apart(self):
        self.assertEqual({"/v1/Users": 1, "/v1/users": 1}, self.paths("/v1/Users", "/v1/users"))

    def test_escapes_of_what_needs_none_are_undone(self):
        self.assertEqual({"/v1/users/~me": 2}, self.paths("/v1/%75sers/%7Eme", "/v1/users/~me"))
        self.assertEqual({"/v1/a%C3%A4": 2}, self.paths("/v1/a%c3%a4", "/v1/a%C3%A4"))

    def test_dot_segments_are_resolved(self):
        self.assertEqual({"/v1/users": 3}, self.paths("/v1/./users", "/v1/x/../users", "/../v1/users"))

    def test_deep_paths_are_cut_at_32_segments(self):
        deep = "/" + "/".join("abcdefghijklmnopqrstuvwxyzabcdefghij")
        found = self.paths(deep, deep + "/more", deep + "/less")
        self.assertEqual([3], list(found.values()))
        self.assertEqual(32, list(found)[0].count("/"))

    def test_long_paths_are_cut_at_2048_bytes(self):
        found = self.paths(*("/files/" + "name" * 600 + end for end in ("a", "b", "c")))
        self.assertEqual([3], list(found.values()))
        self.assertEqual(2048, len(list(found)[0]))

    def test_locales_with_the_same_below_are_values(self):
        locales = ["de-DE", "en-GB", "fr-FR", "pl-PL", "it-IT", "pt-BR"]
        calls = [(request(target=f"/pages/{l}/{p}"), response(body=b'{"title":"%s","%s":1}' % (l.encode(), p.encode())))
                 for l in locales for p in ("home", "about") for _ in range(2)]
        self.assertEqual({"/pages/{page}/home", "/pages/{page}/about"},
                         {e["path"] for e in self.endpoints(connections(calls))})

    def test_what_one_path_is_asked_to_do_is_not_told_apart(self):
        self.assertEqual({"/rpc": 5}, self.paths(*["/rpc"] * 5, method="POST"))
        self.assertEqual({"/graphql": 2}, self.paths("/graphql?query=a", "/graphql?query=b"))
        self.assertEqual({"/index.php": 2}, self.paths("/index.php?action=list", "/index.php?action=show"))

    def test_services_and_their_methods_are_names(self):
        targets = [f"/shop.v1.{service}/{method}" for service in ("Cart", "Orders")
                   for method in ("Get", "List", "Create", "Delete", "Update")]
        self.assertEqual(dict.fromkeys(targets, 6), self.paths(*targets * 6, method="POST"))


if __name__ == "__main__":
    unittest.main()
