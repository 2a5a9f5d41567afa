"""Ceilings: what the wire can fill is bounded, and what there was no room for is counted."""
import random
import unittest

from harness import CommandTest
from wire import MILLISECOND, SECOND, START, Conversation, connections, merged, request, response

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words(count, seed):
    dice = random.Random(seed)
    return ["".join(dice.choice(LETTERS) for _ in range(9)) for _ in range(count)]


def answer(number):
    return response(body=b"x" * number)


def slow(calls, latency=3 * SECOND):
    """A connection for each call, all at once, whose answers come seconds later."""
    talks = [Conversation(client=f"10.0.0.1:{2000 + i}", at=START + i * MILLISECOND) for i in range(len(calls))]
    return merged(*(talk.open().call(*call, latency=latency).close().frames for talk, call in zip(talks, calls)))


class Hosts(CommandTest):
    def hosts(self, frames, text):
        return {e["host"] for e in self.endpoints(frames, config=self.config(text))}

    def calls(self, count):
        return [(request("GET", f"/v1/{word}", host=f"{word}.test"), answer(i + 1))
                for i, word in enumerate(words(count, 1))]

    def test_hosts_of_one_server(self):
        found = self.hosts(connections(self.calls(60)), "inventory:\n  max_hosts_per_server: 10\n")
        self.assertLessEqual(len(found), 11)
        self.assertIn("10.0.0.2", found, "what there was no room for is told under the server's address")

    def test_hosts_of_one_server_that_answers_late(self):
        found = self.hosts(slow(self.calls(60)), "inventory:\n  max_hosts_per_server: 10\n")
        self.assertLessEqual(len(found), 11)
        self.assertIn("10.0.0.2", found)

    def test_all_hosts(self):
        frames = merged(*(connections([call], server=f"10.5.0.{i}:80", at=START + i * MILLISECOND)
                          for i, call in enumerate(self.calls(60))))
        config = self.config("inventory:\n  max_hosts: 10\n")
        found = self.endpoints(frames, config=config)
        self.assertEqual(60, sum(e["requests"] for e in found))
        named = {e["host"] for e in found if e["host"].endswith(".test")}
        self.assertLessEqual(len(named), 10)

    def test_no_request_is_lost(self):
        config = self.config("inventory:\n  max_hosts_per_server: 10\n")
        for frames in (connections(self.calls(60)), slow(self.calls(60))):
            found = self.endpoints(frames, config=config)
            self.assertEqual((60, 60),
                             (sum(e["requests"] for e in found), sum(sum(e["statuses"].values()) for e in found)))


class Endpoints(CommandTest):
    def calls(self, count):
        return [(request("GET", f"/v1/{word}/{other}"), answer(i + 1))
                for i, (word, other) in enumerate(zip(words(count, 2), words(count, 3)))]

    def test_past_the_ceiling_requests_are_counted_as_refused(self):
        config = self.config("inventory:\n  max_endpoints: 100\n")
        store = self.store_of(self.capture(connections(self.calls(150))), "--config", config)
        found, total = self.listed(store), self.coverage(store)[0]
        self.assertEqual(100, len(found))
        rows = [r for r in self.coverage(store) if r["scope"] == "host"]
        self.assertEqual((150, 50), (total["transactions"], sum(r["refused_requests"] for r in rows)))

    def test_a_store_with_more_than_the_ceiling_can_be_read(self):
        store = self.store_of(self.capture(connections(self.calls(150))))
        config = self.config("inventory:\n  max_endpoints: 100\n")
        self.assertEqual(150, len(self.listed(store)))
        self.assertLessEqual(len(self.listed(store, "--config", config)), 150)

    def test_known_endpoints_go_on_counting_at_the_ceiling(self):
        config = self.config("inventory:\n  max_endpoints: 100\n")
        first = (request("GET", "/v1/first"), answer(7))
        frames = connections([first, *self.calls(150), first, first])
        found = [e for e in self.endpoints(frames, config=config) if e["path"] == "/v1/first"]
        self.assertEqual([3], [e["requests"] for e in found])


class Unconfirmed(CommandTest):
    """Paths that no server has answered yet."""

    def test_missing_paths_push_no_real_ones_out(self):
        config = self.config("inventory:\n  max_unconfirmed: 10\n")
        real = (request("GET", "/v1/users"), answer(5))
        missing = [(request("GET", f"/v1/{word}"), response(404)) for word in words(200, 4)]
        found = self.endpoints(connections([real, *missing, real]), config=config)
        self.assertEqual([("/v1/users", 2)], [(e["path"], e["requests"]) for e in found])

    def test_answers_that_come_after_their_request_was_given_up(self):
        config = self.config("inventory:\n  max_unconfirmed: 10\n")
        calls = [(request("GET", f"/v1/{word}/x"), answer(i + 1)) for i, word in enumerate(words(60, 5))]
        found = self.endpoints(slow(calls), config=config)
        self.assertGreater(len(found), 0)


if __name__ == "__main__":
    unittest.main()
