"""The configuration file: what is wrong in it is said with file, line and the nearest key."""
import unittest

from harness import CommandTest
from wire import connections, request, response

CALLS = [(request("GET", f"/v1/users/{i}"), response()) for i in range(5)]


class Refused(CommandTest):
    def setUp(self):
        super().setUp()
        self.data = self.capture(connections(CALLS))

    def refused(self, text, line, *words):
        config = self.config(text)
        for command in ("analyze", "transactions"):
            result = self.specular(command, "--config", config, self.data, status=2)
            self.assertEqual("", result.out)
            self.one_line(result, f"{config}:{line}:", *words)

    def test_unknown_section(self):
        self.refused("shards: 1\ntunnel:\n  max_depth: 3\n", 2, "tunnel", "nearest", "tunnels")

    def test_unknown_key_of_a_section(self):
        self.refused("# depth\ntunnels:\n  ports: [4789]\n  max_dept: 3\n", 4, "tunnels.max_dept", "nearest",
                     "tunnels.max_depth")

    def test_unknown_key_at_the_top(self):
        self.refused("shard: 4\n", 1, "shard", "nearest", "shards")

    def test_wrong_types(self):
        self.refused("shards: four\n", 1, "shards", "four")
        self.refused("shards: 1.5\n", 1, "shards", "1.5")
        self.refused("shards: [1, 2]\n", 1, "shards")
        self.refused("\nshards: {a: 1}\n", 2, "shards")
        self.refused("shards: ''\n", 1, "shards")
        self.refused("tunnels: 7\n", 1, "tunnels")
        self.refused("tunnels:\n  only_tunnelled: perhaps\n", 2, "only_tunnelled", "perhaps")
        self.refused("tunnels:\n  ports: {vxlan: many}\n", 2, "many")

    def test_out_of_range(self):
        self.refused("shards: 0\n", 1, "shards", "1", "64")
        self.refused("shards: 65\n", 1, "shards", "1", "64")
        self.refused("shards: -1\n", 1, "shards")
        self.refused("shards: 99999999999999999999999\n", 1, "shards")
        self.refused("tunnels:\n  max_depth: 17\n", 2, "max_depth", "16")
        self.refused("tunnels:\n  ports:\n    vxlan: [65536]\n", 3, "65536")

    def test_other_than_the_choices(self):
        self.refused("inspect: most\n", 1, "inspect", "full", "budget", "most")

    def test_keys_without_a_value(self):
        self.refused("\n\nshards:\n", 3, "shards")

    def test_tunnels_that_are_none(self):
        self.refused("tunnels:\n  groups:\n    shop: ['vxlan']\n", 3, "vxlan")
        self.refused("tunnels:\n  groups:\n    shop: ['carrier:7']\n", 3, "carrier:7")

    def test_addresses_that_are_none(self):
        for address in ("10.0.0.0/33", "10.0.0", "proxy.test", "::1/129"):
            self.refused(f"clients:\n  trusted_proxies: ['{address}']\n", 2, address)

    def test_broken_yaml(self):
        self.refused("shards: 1\ntunnels: [1, 2\n", 3)
        self.refused("a: b: c\n", 1)
        self.refused("shards: 1\n\tinspect: full\n", 2)

    def test_no_mapping(self):
        self.refused("- shards\n", 1)
        self.refused("just text\n", 1)

    def test_keys_that_are_empty_or_no_text(self):
        self.refused("'':\n  shards: 4\n", 1, "unknown key")
        self.refused("? [a, b]\n: 1\n", 1)

    def test_a_file_that_is_not_there(self):
        missing = self.folder / "missing.yaml"
        result = self.specular("analyze", "--config", missing, self.data, status=2)
        self.one_line(result, missing)

    def test_every_command_looks_at_it(self):
        store = self.store_of(self.data)
        config = self.config("nonsense: 1\n")
        for command in (["endpoints"], ["coverage"], ["openapi", "export"]):
            self.one_line(self.specular(*command, "--store", store, "--config", config, status=2), f"{config}:1:")


class Accepted(CommandTest):
    def accepted(self, text):
        return self.endpoints(connections(CALLS), config=self.config(text))[0]["requests"]

    def test_an_empty_file(self):
        self.assertEqual(5, self.accepted(""))
        self.assertEqual(5, self.accepted("# nothing here\n---\n"))

    def test_comments_and_quoted_values(self):
        self.assertEqual(5, self.accepted("# how many\nshards: '4'  # parts\ninspect: \"budget\"\n"))

    def test_sections_of_the_daemon_are_passed_over(self):
        self.assertEqual(5, self.accepted("sources: {interfaces: [eth0], ring_mb: 8}\nshards: 2\n"))

    def test_the_file_stands_before_or_after_the_command(self):
        config, data = self.config("shards: 4\n"), self.capture(connections(CALLS))
        before = self.specular("--config", config, "analyze", "--json", data).out
        self.assertEqual(before, self.specular("analyze", "--json", data, "--config", config).out)
        self.assertIn('"requests":5', before)


class WithoutEffect(CommandTest):
    def test_sections_for_what_this_version_does_not_do_are_told(self):
        config = self.config("policies: {}\nsources: {}\ntls:\n  key_log: /tmp/keys\nshards: 2\n")
        result = self.specular("analyze", "--json", "--config", config, self.capture(connections(CALLS)))
        self.assertEqual(1, len(result.json()))
        self.says(result, f"{config}:1:", "policies", f"{config}:3:", "tls", "no effect")
        self.assertNotIn("sources", result.err)


if __name__ == "__main__":
    unittest.main()
