"""Who the client is when proxies stand between: forwarding headers count only if a trusted hop wrote them."""
import unittest

from harness import CommandTest
from wire import START, Conversation, SECOND, connections, merged, request, response

PROXY, INNER_PROXY, STRANGER = "10.0.0.5", "10.0.0.6", "198.51.100.7"
TRUST = "clients:\n  trusted_proxies: [10.0.0.0/24, 'fd00::/8']\n"


class Clients(CommandTest):
    def clients(self, header_lists, peer=PROXY, config=TRUST):
        """How many clients there are in requests with these headers from that peer."""
        calls = [(request("GET", "/v1/users", headers=headers), response()) for headers in header_lists]
        frames = connections(calls, client=peer, server="10.9.9.9:80")
        found = self.endpoints(frames, config=self.config(config) if config else None)
        self.assertEqual([len(header_lists)], [e["requests"] for e in found])
        return found[0]["clients"]

    def each(self, name, value):
        return [[(name, value % i)] for i in range(1, 11)]

    def test_x_forwarded_for_of_a_trusted_proxy(self):
        self.assertEqual(10, self.clients(self.each("X-Forwarded-For", "203.0.113.%d")))

    def test_x_forwarded_for_says_nothing_without_trusted_proxies(self):
        self.assertEqual(1, self.clients(self.each("X-Forwarded-For", "203.0.113.%d"), config=None))

    def test_x_forwarded_for_of_an_untrusted_peer_is_ignored(self):
        self.assertEqual(1, self.clients(self.each("X-Forwarded-For", "203.0.113.%d"), peer=STRANGER))

    def test_the_rightmost_entry_counts_and_what_the_client_wrote_is_ignored(self):
        self.assertEqual(1, self.clients(self.each("X-Forwarded-For", "1.2.3.%d, 203.0.113.9")))

    def test_trusted_entries_on_the_right_are_passed_over(self):
        self.assertEqual(10, self.clients(self.each("X-Forwarded-For", "1.1.1.1, 203.0.113.%d, 10.0.0.6, 10.0.0.7")))

    def test_the_rightmost_untrusted_entry_counts_though_a_trusted_one_stands_left_of_it(self):
        self.assertEqual(1, self.clients(self.each("X-Forwarded-For", "203.0.113.%d, 10.0.0.8, 198.51.100.1")))

    def test_entries_over_several_header_lines_are_one_list(self):
        headers = [[("X-Forwarded-For", f"1.2.3.{i}"), ("Accept", "*/*"), ("x-forwarded-for", "203.0.113.9, 10.0.0.6")]
                   for i in range(10)]
        self.assertEqual(1, self.clients(headers))

    def test_ports_behind_addresses_make_no_other_clients(self):
        self.assertEqual(1, self.clients(self.each("X-Forwarded-For", "203.0.113.9:%d00")))

    def test_ipv6_addresses(self):
        self.assertEqual(10, self.clients(self.each("X-Forwarded-For", "2001:db8::%d, fd00::1")))

    def test_spellings_of_one_ipv6_address_are_one_client(self):
        values = ["2001:db8::1", "2001:DB8:0:0::1", "[2001:db8::1]:4711"]
        self.assertEqual(1, self.clients([[("X-Forwarded-For", v)] for v in values]))

    def test_nonsense_makes_no_clients(self):
        self.assertEqual(1, self.clients(self.each("X-Forwarded-For", "unknown-%d")))

    def test_what_stands_left_of_nonsense_is_ignored(self):
        self.assertEqual(1, self.clients(self.each("X-Forwarded-For", "203.0.113.%d, unknown")))

    def test_forwarded(self):
        self.assertEqual(10, self.clients(self.each("Forwarded", "for=203.0.113.%d;proto=https;by=10.0.0.5")))

    def test_forwarded_with_quotes_and_ports(self):
        self.assertEqual(10, self.clients(self.each("Forwarded", 'proto=http; For="[2001:db8::%d]:4711"')))

    def test_forwarded_takes_the_rightmost_untrusted_hop(self):
        self.assertEqual(1, self.clients(self.each("Forwarded", "for=1.2.3.%d, for=203.0.113.9, for=10.0.0.6")))

    def test_forwarded_of_an_untrusted_peer_is_ignored(self):
        self.assertEqual(1, self.clients(self.each("Forwarded", "for=203.0.113.%d"), peer=STRANGER))

    def test_requests_without_such_a_header_are_the_proxys_own(self):
        self.assertEqual(1, self.clients([[] for _ in range(5)]))

    def test_direct_and_forwarded_requests_of_one_client_are_one(self):
        direct = connections([(request("GET", "/v1/users"), response())], client="203.0.113.9")
        proxied = connections([(request("GET", "/v1/users", headers=[("X-Forwarded-For", "203.0.113.9")]), response())],
                              client=PROXY, at=START + SECOND)
        found = self.endpoints(merged(direct, proxied), config=self.config(TRUST))
        self.assertEqual([(2, 1)], [(e["requests"], e["clients"]) for e in found])


class ProxyProtocol(CommandTest):
    def clients(self, peer):
        frames = []
        for i in range(1, 11):
            talk = Conversation(client=f"{peer}:{4000 + i}", at=START + i * SECOND).open()
            first = f"PROXY TCP4 203.0.113.{i} 10.0.0.2 5000 80\r\n".encode() + request("GET", "/v1/users")
            frames += talk.call(first, response()).close().frames
        found = self.endpoints(frames, config=self.config(TRUST))
        self.assertEqual([10], [e["requests"] for e in found])
        return found[0]["clients"]

    def test_of_a_trusted_proxy(self):
        self.assertEqual(10, self.clients(PROXY))

    def test_of_an_untrusted_peer_is_ignored(self):
        self.assertEqual(1, self.clients(STRANGER))


if __name__ == "__main__":
    unittest.main()
