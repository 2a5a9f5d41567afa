"""Stores of every format ever released, as tests/storage/ keeps them: the present version reads them and adds to them.

Each holds what tests/storage/make_fixture learned from tests/demo/shop.pcap.
"""
import shutil
import unittest
from pathlib import Path

from harness import CommandTest

TESTS = Path(__file__).resolve().parent.parent
CAPTURE = TESTS / "demo" / "shop.pcap"

# What the shop was asked, by tests/demo/shoppers.py: method, path, requests, statuses, ways to authenticate, clients.
EXPECTED = [
    ("GET", "/api/v0/products", 5, {"200": 5}, [], 1),
    ("GET", "/api/v1/admin/statistics", 2, {"200": 1, "401": 1}, ["basic"], 1),
    ("GET", "/api/v1/carts/{}", 14, {"200": 14}, [], 2),
    ("GET", "/api/v1/orders/{}", 14, {"200": 10, "401": 4}, ["bearer"], 2),
    ("GET", "/api/v1/products", 28, {"200": 28}, [], 2),
    ("GET", "/api/v1/products/{}", 42, {"200": 36, "404": 6}, [], 2),
    ("GET", "/api/v1/stock", 5, {"200": 5}, ["apiKey:header:x-api-key"], 1),
    ("DELETE", "/api/v1/carts/{}/items/{}", 14, {"204": 14}, [], 2),
    ("POST", "/api/v1/carts", 14, {"201": 14}, [], 2),
    ("POST", "/api/v1/carts/{}/items", 42, {"201": 42}, [], 2),
    ("POST", "/api/v1/login", 14, {"200": 10, "401": 4}, [], 2),
    ("POST", "/api/v1/orders", 14, {"201": 10, "401": 4}, ["bearer"], 2),
]


def shape_of(path):
    """The path without the names of its parameters, which are the present version's business."""
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


class Formats(CommandTest):
    def copies(self):
        """A copy of each store, which the test may change."""
        stores = sorted((TESTS / "storage").glob("format*"))
        self.assertIn("format1", [store.name for store in stores])
        return [Path(shutil.copytree(store, self.folder / store.name)) for store in stores]

    def check(self, store, times=1):
        """The store holds the capture so many times."""
        found = self.rows("endpoints", "--store", store)
        self.assertEqual({("vxlan:4711", "shop.example")}, {(e["network"], e["host"]) for e in found})
        told = [(e["method"], shape_of(e["path"]), e["requests"], e["statuses"], e["auth"], e["clients"])
                for e in found]
        expected = [(method, path, requests * times, {s: n * times for s, n in statuses.items()}, auth, clients)
                    for method, path, requests, statuses, auth, clients in EXPECTED]
        self.assertEqual(sorted(expected, key=str), sorted(told, key=str), store.name)

    def test_all_that_it_holds_is_read(self):
        for store in self.copies():
            self.check(store)
            total = self.coverage(store)[0]
            self.assertEqual((217, 217), (total["transactions"], total["complete"]))
            shown = self.specular("endpoints", "show", "shop.example", "GET", "/api/v1/carts/{id}", "--json",
                                  "--store", store).json()
            self.assertEqual(("string", "uuid", 14), tuple(shown["path_parameters"][0][name]
                                                           for name in ("type", "format", "distinct")))
            self.assertIn("/api/v1/stock", self.specular("openapi", "export", "--store", store).out)

    def test_reading_changes_nothing(self):
        for store in self.copies():
            before = {file.name: file.read_bytes() for file in store.iterdir()}
            self.check(store)
            self.assertEqual(before, {file.name: file.read_bytes() for file in store.iterdir()})

    def test_more_is_added_to_it(self):
        for store in self.copies():
            # The clients are the same: their hashes are made with the store's own key.
            self.specular("analyze", CAPTURE, "--store", store)
            self.check(store, times=2)
            self.specular("analyze", CAPTURE, "--store", store)
            self.check(store, times=3)


if __name__ == "__main__":
    unittest.main()
