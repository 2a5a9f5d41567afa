"""specular coverage: how much of the traffic an answer rests on."""
import struct
import unittest

import wire
from harness import CommandTest
from wire import (MILLISECOND, SECOND, START, Conversation, Frame, clipped, connection, connections, ethernet, in_vxlan,
                  later, merged, only_from, request, response)

GET, OK = request("GET", "/v1/users"), response()
LONG = response(body=b"x" * 20_000)
CLIENT_HELLO = bytes.fromhex("160301002f0100002b0303") + b"\x11" * 32 + bytes.fromhex("000002130101000000")


class CoverageTest(CommandTest):
    def rows_of(self, frames, *options):
        return self.coverage(self.store_of(self.capture(frames), *options))

    def total(self, frames, *options):
        return self.rows_of(frames, *options)[0]

    def row(self, rows, **wanted):
        found = [r for r in rows if all(r[k] == v for k, v in wanted.items())]
        self.assertEqual(1, len(found), rows)
        return found[0]


class Rows(CoverageTest):
    def test_the_total_comes_first_then_tunnels_then_hosts(self):
        frames = merged(connections([(GET, OK)]), in_vxlan(connections([(GET, OK)] * 2, client="10.0.0.7"), 7))
        rows = self.rows_of(frames)
        self.assertEqual(["total", "tunnel", "tunnel", "host", "host"], [r["scope"] for r in rows])
        self.assertEqual({None, "vxlan:7"}, {r["tunnel"] for r in rows if r["scope"] == "tunnel"})

    def test_counts_of_a_plain_capture(self):
        frames = connections([(GET, OK)] * 3)
        total = self.total(frames)
        expected = {"packets": len(frames), "wire_bytes": sum(len(f.data) for f in frames), "connections": 3,
                    "http_connections": 3, "transactions": 3, "complete": 3, "payload_bytes": 3 * len(GET + OK)}
        self.assertEqual(expected, {name: total[name] for name in expected})
        zero = ["lost_bytes", "clipped_bytes", "encrypted_connections", "one_sided_connections", "request_only",
                "response_only", "clipped", "gap", "other_connections", "http2_connections"]
        self.assertEqual({name: 0 for name in zero}, {name: total[name] for name in zero})

    def test_tunnels_are_counted_apart(self):
        frames = merged(in_vxlan(connections([(GET, OK)]), 7),
                        in_vxlan(connections([(GET, OK)] * 4, client="10.0.0.7"), 8))
        rows = self.rows_of(frames)
        self.assertEqual(1, self.row(rows, tunnel="vxlan:7")["transactions"])
        self.assertEqual(4, self.row(rows, tunnel="vxlan:8")["transactions"])
        self.assertEqual(5, rows[0]["transactions"])

    def test_hosts_are_counted_apart(self):
        calls = [(request(host="a.test"), OK)] * 2 + [(request(host="b.test"), OK)]
        rows = self.rows_of(connections(calls))
        self.assertEqual((2, 1), (self.row(rows, host="a.test")["complete"], self.row(rows, host="b.test")["complete"]))

    def test_a_second_run_adds_up(self):
        store = self.store_of(self.capture(connections([(GET, OK)])))
        before = self.coverage(store)
        self.specular("analyze", "--store", store, self.capture(later(connections([(GET, OK)]), SECOND)))
        after = self.coverage(store)
        self.assertEqual([(r["scope"], r["transactions"] * 2) for r in before],
                         [(r["scope"], r["transactions"]) for r in after])
        self.assertEqual(2 * before[0]["packets"], after[0]["packets"])

    def test_forms(self):
        store = self.store_of(self.capture(connections([(GET, OK)])))
        lines = self.specular("coverage", "--jsonl", "--store", store).lines()
        self.assertEqual(self.coverage(store), lines)
        title, *rows = self.specular("coverage", "--store", store).out.splitlines()
        self.assertIn("TRANSACTIONS", title)
        self.assertEqual(3, len(rows))


class NotSeen(CoverageTest):
    def test_lost_bytes(self):
        talk = Conversation().open().request(GET).response(LONG[:1400]).response(LONG[1400:2800], seen=False)
        total = self.total(talk.response(LONG[2800:]).acknowledge("client").close().frames)
        self.assertEqual((1400, 1, 0), (total["lost_bytes"], total["gap"], total["complete"]))

    def test_clipped_bytes(self):
        frames = connection([(GET, LONG)])
        short = clipped(frames, 300)
        missing = sum(len(f.data) - min(len(f.data), 300) for f in frames)
        total = self.total(short)
        self.assertEqual((missing, 1), (total["clipped_bytes"], total["clipped"]))
        self.assertEqual(sum(len(f.data) for f in frames), total["wire_bytes"])

    def test_one_sided_connections(self):
        frames = merged(only_from(connections([(GET, OK)] * 3), "10.0.0.1"),
                        connections([(GET, OK)], client="10.0.0.8"))
        total = self.total(frames)
        self.assertEqual((3, 4, 3, 1),
                         tuple(total[n] for n in ("one_sided_connections", "connections", "request_only", "complete")))

    def test_encrypted_connections(self):
        secret = connections([(CLIENT_HELLO, b"\x16\x03\x03\x00\x04abcd")] * 2, server="10.0.0.2:443", first_port=30000)
        total = self.total(merged(secret, connections([(GET, OK)])))
        self.assertEqual((2, 3, 1),
                         tuple(total[n] for n in ("encrypted_connections", "connections", "http_connections")))

    def test_http2_connections(self):
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
        self.assertEqual(1, self.total(connections([(preface, b"\0\0\0\4\0\0\0\0\0")]))["http2_connections"])

    def test_connections_that_carry_something_else(self):
        self.assertEqual(1, self.total(connections([(b"EHLO mail\r\n", b"250 OK\r\n")]))["other_connections"])

    def test_connections_that_left_http(self):
        asked = request("GET", "/chat", headers=[("Connection", "Upgrade"), ("Upgrade", "websocket")])
        agreed = wire.head_only(101, [("Connection", "Upgrade"), ("Upgrade", "websocket")])
        total = self.total(connection([(asked, agreed), (b"\x81\x02hi", b"\x81\x02ho")]))
        self.assertEqual(1, total["switched_connections"])

    def test_connections_mirrored_twice(self):
        frames = connection([(GET, OK)])
        total = self.total(merged(in_vxlan(frames, 7), in_vxlan(later(frames, 300), 8)))
        self.assertEqual((1, 1), (total["mirrored_twice_connections"], total["transactions"]))

    def test_shares_are_told_on_standard_error_after_analysis(self):
        secret = connections([(CLIENT_HELLO, b"\x16\x03\x03\x00\x04abcd")], server="10.0.0.2:443", first_port=30000)
        lost = Conversation(client="10.0.0.3:1").open().request(GET).response(LONG[:1400])
        lost = lost.response(LONG[1400:2800], seen=False).response(LONG[2800:]).acknowledge("client").close().frames
        one_sided = only_from(connections([(GET, OK)], client="10.0.0.9"), "10.0.0.9")
        told = self.specular("analyze", self.capture(merged(secret, lost, one_sided))).err
        self.assertRegex(told, r"33\.3 % .*encrypted")
        self.assertRegex(told, r"\d+\.\d % of the bytes were lost")
        self.assertRegex(told, r"one direction.*33\.3 %")

    def test_of_a_whole_capture_no_shares_are_told(self):
        told = self.specular("analyze", self.capture(connections([(GET, OK)]))).err
        self.assertNotIn("%", told)
        self.assertIn("1 API endpoint on 1 host", told)

    def test_bodies_that_cannot_be_decoded(self):
        broken = response(body=b"no gzip", headers=[("Content-Encoding", "gzip")])
        self.assertEqual(1, self.row(self.rows_of(connections([(GET, broken)])), scope="host")["undecodable_bodies"])


class NotTcp(CoverageTest):
    """Frames that give no TCP segment, counted by reason."""

    def counters(self, *odd, config=None):
        frames = merged(connections([(GET, OK)]), [Frame(START + MILLISECOND * i, data) for i, data in enumerate(odd)])
        options = ["--config", config] if config else []
        total = self.total(frames, *options)
        self.assertEqual(1, total["complete"])
        return total["counters"]

    def dropped(self, *odd, config=None):
        return {name: n for name, n in self.counters(*odd, config=config).items() if name.startswith("dropped_")}

    def test_a_capture_of_tcp_alone_drops_nothing(self):
        self.assertEqual({}, self.dropped())

    def test_frames_without_ip(self):
        arp = b"\xff" * 6 + b"\2" * 6 + struct.pack(">H", 0x0806) + b"\0" * 28
        self.assertEqual({"dropped_not_ip_frames": 2}, self.dropped(arp, arp))

    def test_packets_without_tcp(self):
        dns = ethernet(wire.udp_packet("10.0.0.1:5000", "10.0.0.2:53", b"query"))
        ping = ethernet(wire.ip_packet(*(wire.split_address(f"10.0.0.{i}:0")[0] for i in (1, 2)), wire.ICMP,
                                       b"\x08\0ping"))
        self.assertEqual({"dropped_not_tcp_frames": 3}, self.dropped(dns, ping, dns))

    def test_headers_that_are_cut(self):
        frame = connection([(GET, OK)], client="10.0.0.4:7")[0].data
        self.assertEqual({"dropped_header_cut_frames": 3}, self.dropped(frame[:10], frame[:30], frame[:40]))

    def test_headers_that_contradict_themselves(self):
        frame = connection([(GET, OK)], client="10.0.0.4:7")[0].data
        self.assertEqual({"dropped_bad_header_frames": 1}, self.dropped(frame[:14] + b"\x41" + frame[15:]))

    def test_encrypted_packets(self):
        ends = [wire.split_address(f"10.0.0.{i}:0")[0] for i in (1, 2)]
        self.assertEqual({"dropped_protected_link_frames": 1},
                         self.dropped(ethernet(wire.ip_packet(*ends, 50, b"\1" * 40))))

    def test_tunnels_in_tunnels_in_tunnels(self):
        frames = connection([(GET, OK)], client="10.0.0.4:7")[:1]
        for vni in range(6):
            frames = in_vxlan(frames, vni)
        self.assertEqual({"dropped_too_deep_frames": 1}, self.dropped(frames[0].data))

    def test_fragments_that_wait(self):
        ends = [wire.split_address(f"10.0.0.{i}:0")[0] for i in (1, 2)]
        first = ethernet(wire.ip_packet(*ends, wire.TCP, b"\1" * 24))
        more_fragments = first[:20] + b"\x20\x00" + first[22:]
        self.assertEqual({"dropped_fragment_held_frames": 1}, self.dropped(more_fragments))

    def test_frames_of_unknown_link_types(self):
        frames = connection([(GET, OK)])
        total = self.coverage(self.store_of(self.file("x.pcap", wire.pcap(frames, link=147))))[0]
        self.assertEqual((0, len(frames), len(frames)), (total["packets"], total["counters"]["frames"],
                                                         total["counters"]["dropped_unknown_link_frames"]))

    def test_frames_are_all_accounted_for(self):
        arp = b"\xff" * 6 + b"\2" * 6 + struct.pack(">H", 0x0806) + b"\0" * 28
        counters = self.counters(arp, b"", b"short")
        told = counters["tcp_segments"] + sum(n for name, n in counters.items() if name.startswith("dropped_"))
        self.assertEqual(counters["frames"], told)


if __name__ == "__main__":
    unittest.main()
