"""specular analyze: what it lists, and what it says where there was nothing to find."""
import unittest

import wire
from coverage_test import CLIENT_HELLO
from harness import CommandTest
from wire import SECOND, START, Frame, connection, connections, ethernet, later, request, response

OK = response()
USERS = (request("GET", "/v1/users"), OK)
ABOUT = (request("GET", "/about"), response(body=b"<html>about</html>", content_type="text/html"))
OTHER = (request("GET", "/v2/orders", host="other.test:8080"), response(body=b"[1,2,3]"))
ARP = b"\xff" * 6 + b"\2" * 6 + b"\x08\x06" + b"\0" * 28
HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
NOTHING = "no transactions"


class Selection(CommandTest):
    def setUp(self):
        super().setUp()
        self.data = self.capture(connections([USERS, ABOUT, OTHER]))

    def paths(self, *options):
        return sorted(e["path"] for e in self.rows("analyze", self.data, *options))

    def test_apis_alone_unless_all_are_asked_for(self):
        self.assertEqual(["/v1/users", "/v2/orders"], self.paths())
        self.assertEqual(["/about", "/v1/users", "/v2/orders"], self.paths("--all"))

    def test_one_host(self):
        self.assertEqual(["/v2/orders"], self.paths("--host", "other.test:8080"))
        self.assertEqual(["/v2/orders"], self.paths("--host", "OTHER.test:8080"))
        self.assertEqual(["/about", "/v1/users"], self.paths("--all", "--host", "api.test"))
        self.assertEqual([], self.paths("--host", "nobody.test"))

    def test_the_same_as_of_a_store(self):
        store = self.store_of(self.data)
        for options in ([], ["--all"], ["--host", "api.test"], ["--all", "--host", "api.test"]):
            for form in ([], ["--json"], ["--jsonl"]):
                self.assertEqual(self.specular("endpoints", "--store", store, *options, *form).out,
                                 self.specular("analyze", self.data, *options, *form).out)

    def test_all_is_mentioned_only_while_it_is_not_given(self):
        self.assertIn("(--all lists them)", self.specular("analyze", self.data).err)
        told = self.specular("analyze", "--all", self.data).err
        self.assertIn("1 more", told)
        self.assertNotIn("--all", told)

    def test_the_store_keeps_more_than_is_listed(self):
        store = self.folder / "store"
        self.specular("analyze", self.data, "--host", "api.test", "--store", store)
        self.assertEqual(3, len(self.listed(store)))


class Nothing(CommandTest):
    """Why there were no transactions."""

    def told(self, frames, *options, link=wire.ETHERNET):
        """The lines that say why; the run has done what it was asked to."""
        result = self.specular("analyze", self.file("a.pcap", wire.pcap(frames, link=link)), *options)
        self.assertIn(NOTHING, result.err)
        return result.err[result.err.index(NOTHING):].splitlines()

    def test_nothing_is_said_where_something_was_found(self):
        self.assertNotIn(NOTHING, self.specular("analyze", self.capture(connections([USERS]))).err)
        self.assertNotIn(NOTHING, self.specular("analyze", self.capture(connections([ABOUT]))).err)

    def test_no_packets(self):
        self.assertEqual(["no transactions: no packet was read"], self.told([]))

    def test_a_file_that_could_not_be_read(self):
        result = self.specular("analyze", self.folder / "missing.pcap", status=1)
        self.says(result, "missing.pcap", "no transactions: no packet was read")

    def test_a_link_type_that_is_not_decoded(self):
        frames = connection([USERS])
        self.assertEqual([f"no transactions in {len(frames)} packets:",
                          f"  frames of a link type that is not decoded: {len(frames)}"], self.told(frames, link=147))

    def test_frames_that_carry_no_tcp(self):
        dns = ethernet(wire.udp_packet("10.0.0.1:5000", "10.0.0.2:53", b"query"))
        told = self.told([Frame(START + i, data) for i, data in enumerate((ARP, dns, dns))])
        self.assertEqual("no transactions in 3 packets:", told[0])
        self.assertEqual(["1", "2"], [line.rpartition(": ")[2] for line in told[1:]])
        self.assertIn("without IP", told[1])
        self.assertIn("else than TCP", told[2])

    def test_a_single_packet(self):
        self.assertEqual("no transactions in 1 packet:", self.told([Frame(START, ARP)])[0])

    def test_nothing_passed_the_filter(self):
        frames = connection([USERS])
        self.assertEqual([f"no transactions in {len(frames)} packets:",
                          f"  packets left out by --filter: {len(frames)}"],
                         self.told(frames, "--filter", "tcp port 81"))
        told = self.told(frames, "--since", "2030-01-01T00:00:00Z", "--until", "2031-01-01T00:00:00Z")
        self.assertEqual(f"  packets left out by --since, --until: {len(frames)}", told[1])

    def test_what_passed_the_filter_held_nothing(self):
        frames = connection([USERS]) + [Frame(START + SECOND, ARP)]
        told = self.told(frames, "--filter", "arp")
        self.assertEqual(f"  packets left out by --filter: {len(frames) - 1}", told[1])
        self.assertIn("without IP", told[2])

    def test_connections_without_a_byte(self):
        frames = [frame for number in range(3) for frame in wire.Conversation(client=f"10.0.0.1:{number + 1}").open()
                  .close().frames]
        self.assertEqual([f"  TCP segments, none of which carries data: {len(frames)}"], self.told(frames)[1:])

    def test_encrypted_connections(self):
        frames = connections([(CLIENT_HELLO, b"\x16\x03\x03\x00\x04abcd")] * 2, server="10.0.0.2:443")
        self.assertEqual(["  connections that are encrypted (TLS): 2"], self.told(frames)[1:])

    def test_http2_and_something_else(self):
        frames = connections([(HTTP2, b"\0\0\0\4\0\0\0\0\0"), (b"EHLO mail\r\n", b"250 OK\r\n")])
        self.assertEqual(["  connections that speak HTTP/2, which is not read: 1",
                          "  connections in which no HTTP was recognised: 1"], self.told(frames)[1:])

    def test_only_what_is_tunnelled_was_wanted(self):
        config = self.config("tunnels:\n  only_tunnelled: true\n")
        self.assertIn("outside of a tunnel", self.told(connection([USERS]), "--config", config)[1])

    def test_what_the_store_held_before_does_not_count(self):
        store = self.store_of(self.capture(connections([USERS, (CLIENT_HELLO, b"\x16\x03\x03\x00\x04abcd")])))
        told = self.told(later([Frame(START, ARP)], SECOND), "--store", store)
        self.assertEqual(2, len(told))
        self.assertIn("without IP", told[1])
        self.assertEqual([1], [e["requests"] for e in self.listed(store)])

    def test_in_json_it_stands_on_standard_error_alone(self):
        result = self.specular("analyze", "--json", self.capture([Frame(START, ARP)]))
        self.assertEqual([], result.json())
        self.says(result, NOTHING)


if __name__ == "__main__":
    unittest.main()
