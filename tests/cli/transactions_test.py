"""specular transactions: which there are, in which order, and every field of each."""
import unittest

from harness import TIME, CommandTest
from wire import (MILLISECOND, SECOND, START, Conversation, chunked, clipped, connection, connections, gzipped,
                  head_only, in_gateway_load_balancer, in_geneve, in_vxlan, later, merged, only_from, request,
                  response)

FIELDS = ["time", "client", "client_port", "server", "server_port", "tunnel", "method", "host", "target", "version",
          "status", "request_bytes", "response_bytes", "request_type", "response_type", "latency_ms", "user_agent",
          "whole"]
TYPES = {"client_port": int, "server_port": int, "status": int, "request_bytes": int, "response_bytes": int,
         "latency_ms": (int, float)}  # the others are text

GET = request("GET", "/v1/users")
OK = response()


class Fields(CommandTest):
    def test_every_field_is_there_in_the_order_of_the_contract(self):
        found = self.transaction_of(request("POST", "/x", body=b"{}", content_type="application/json",
                                            headers=[("User-Agent", "curl/8")]), OK)
        self.assertEqual(FIELDS, list(found))

    def test_each_value_has_its_type(self):
        found = self.transaction_of(request("POST", "/x", body=b"{}", content_type="application/json",
                                            headers=[("User-Agent", "curl/8")]), OK)
        for name, value in found.items():
            if name != "tunnel":
                self.assertIsInstance(value, TYPES.get(name, str), name)

    def test_what_is_absent_is_null(self):
        found = self.transaction_of(GET, response(204, b"", content_type=None))
        for name in ("tunnel", "request_type", "response_type", "user_agent"):
            self.assertIsNone(found[name], name)

    def test_an_empty_header_value_is_null_and_not_an_empty_string(self):
        found = self.transaction_of(request("GET", "/x", headers=[("User-Agent", ""), ("Content-Type", "")]),
                                    response(content_type=None, headers=[("Content-Type", "")]))
        self.assertEqual([None, None, None], [found[n] for n in ("user_agent", "request_type", "response_type")])

    def test_time_is_that_of_the_first_request_byte_with_nine_digits_and_z(self):
        talk = Conversation(at=START + 123_456_789).open()
        asked_at = talk.now + MILLISECOND
        talk.call(request("POST", "/x", body=b"a" * 3000), OK).close()
        found = self.transaction(self.capture(talk.frames))
        self.assertRegex(found["time"], TIME)
        self.assertEqual(f"2023-11-14T22:13:20.{asked_at - START:09d}Z", found["time"])

    def test_addresses_and_ports_of_both_ends(self):
        found = self.transaction_of(GET, OK, client="10.1.2.3:51000", server="10.9.8.7:8080")
        self.assertEqual(("10.1.2.3", 51000, "10.9.8.7", 8080),
                         (found["client"], found["client_port"], found["server"], found["server_port"]))

    def test_ipv6_addresses_have_no_brackets(self):
        found = self.transaction_of(GET, OK, client="[2001:db8::1]:51000", server="[2001:DB8:0::7]:80")
        self.assertEqual(("2001:db8::1", "2001:db8::7"), (found["client"], found["server"]))

    def test_the_client_is_who_asks_though_its_port_is_the_smaller_one(self):
        found = self.transaction_of(GET, OK, client="10.0.0.1:79", server="10.0.0.2:40000")
        self.assertEqual(("10.0.0.1", "10.0.0.2"), (found["client"], found["server"]))

    def test_target_and_method_are_as_sent(self):
        found = self.transaction_of(request("M-SEARCH", "/A%2fb//c?Q=1&q=%20#f"), OK)
        self.assertEqual(("M-SEARCH", "/A%2fb//c?Q=1&q=%20#f"), (found["method"], found["target"]))

    def test_an_absolute_target_is_kept_and_names_the_host(self):
        found = self.transaction_of(request("GET", "http://Other.Test:8080/x", host="api.test"), OK)
        self.assertEqual(("http://Other.Test:8080/x", "other.test:8080"), (found["target"], found["host"]))

    def test_versions(self):
        for version in ("1.0", "1.1"):
            found = self.transaction_of(request(version=version), response(version=version))
            self.assertEqual(version, found["version"])

    def test_status_is_a_number(self):
        for status in (200, 302, 404, 503, 599):
            self.assertEqual(status, self.transaction_of(GET, response(status))["status"])

    def test_user_agent_is_as_sent(self):
        agent = "Mozilla/5.0 (X11; Linux) Ünïcode"
        found = self.transaction_of(request(headers=[("user-agent", agent.encode())]), OK)
        self.assertEqual(agent, found["user_agent"])

    def test_content_types_are_lower_case_without_parameters(self):
        asked = request("POST", body=b"{}", content_type="Application/JSON ; charset=UTF-8")
        found = self.transaction_of(asked, response(content_type="TEXT/Html;charset=x"))
        self.assertEqual(("application/json", "text/html"), (found["request_type"], found["response_type"]))


class Hosts(CommandTest):
    def host(self, name, server="10.0.0.2:80", version="1.1"):
        client = "[2001:db8::1]:40000" if server.startswith("[") else "10.0.0.1:40000"
        asked, answered = request(host=name, version=version), response(version=version)
        return self.transaction_of(asked, answered, client=client, server=server)["host"]

    def test_lower_case(self):
        self.assertEqual("api.example.test", self.host("API.Example.TEST"))

    def test_default_port_is_left_out(self):
        self.assertEqual("api.test", self.host("api.test:80"))

    def test_other_port_is_kept(self):
        self.assertEqual("api.test:8443", self.host("api.test:8443", server="10.0.0.2:8443"))

    def test_ipv6_stands_in_brackets(self):
        self.assertEqual("[2001:db8::2]", self.host("[2001:DB8::2]", server="[2001:db8::2]:80"))
        self.assertEqual("[2001:db8::2]:8080", self.host("[2001:DB8::2]:8080", server="[2001:db8::2]:8080"))

    def test_server_address_if_there_is_no_host(self):
        self.assertEqual("10.0.0.2", self.host(None, version="1.0"))
        self.assertEqual("10.0.0.2:8080", self.host(None, server="10.0.0.2:8080", version="1.0"))
        self.assertEqual("[2001:db8::2]", self.host(None, server="[2001:db8::2]:80", version="1.0"))

    def test_server_address_if_host_is_empty(self):
        self.assertEqual("10.0.0.2", self.host(""))


class Tunnels(CommandTest):
    def tunnel(self, frames):
        return self.transaction(self.capture(frames))["tunnel"]

    def test_none_is_null(self):
        self.assertIsNone(self.tunnel(connection([(GET, OK)])))

    def test_vxlan(self):
        self.assertEqual("vxlan:7", self.tunnel(in_vxlan(connection([(GET, OK)]), 7)))
        self.assertEqual("vxlan:16777215", self.tunnel(in_vxlan(connection([(GET, OK)]), 0xffffff)))

    def test_geneve(self):
        self.assertEqual("geneve:9", self.tunnel(in_geneve(connection([(GET, OK)]), 9)))

    def test_vxlan_in_geneve_is_told_from_the_outside_in(self):
        self.assertEqual("geneve:0/vxlan:7", self.tunnel(in_gateway_load_balancer(connection([(GET, OK)]), 7)))

    def test_addresses_are_the_inner_ones(self):
        found = self.transaction(self.capture(in_vxlan(connection([(GET, OK)], client="10.3.3.3:40000"), 7)))
        self.assertEqual(("10.3.3.3", "10.0.0.2"), (found["client"], found["server"]))


class Sizes(CommandTest):
    def sizes(self, asked, answered):
        found = self.transaction_of(asked, answered)
        return found["request_bytes"], found["response_bytes"]

    def test_no_body_is_zero(self):
        self.assertEqual((0, 0), self.sizes(GET, response(200, b"")))

    def test_content_length(self):
        self.assertEqual((5, 3000), self.sizes(request("POST", body=b"12345"), response(body=b"x" * 3000)))

    def test_chunks_are_taken_apart_first(self):
        asked = chunked(request("POST", "/x"), b"a" * 100)
        answered = chunked(head_only(200, [("Content-Type", "text/plain")]), b"b" * 5000, size=999)
        self.assertEqual((100, 5000), self.sizes(asked, answered))

    def test_content_coding_is_left_on(self):
        body = gzipped(b"x" * 10_000)
        self.assertEqual((0, len(body)), self.sizes(GET, response(body=body, headers=[("Content-Encoding", "gzip")])))

    def test_head_204_and_304_have_no_body_whatever_content_length_says(self):
        long = [("Content-Length", "500")]
        talk = Conversation().open()
        talk.call(request("HEAD", "/a"), head_only(200, long)).call(request("GET", "/b"), head_only(304, long))
        talk.call(request("DELETE", "/c"), head_only(204)).call(request("GET", "/d"), response(body=b"1234")).close()
        found = self.transactions(self.capture(talk.frames))
        self.assertEqual([("HEAD", 0), ("GET", 0), ("DELETE", 0), ("GET", 4)],
                         [(t["method"], t["response_bytes"]) for t in found])
        self.assertEqual({"complete"}, {t["whole"] for t in found})

    def test_a_body_that_ends_with_the_connection(self):
        found = self.transaction_of(request(version="1.0"), head_only(200).replace(b"1.1", b"1.0") + b"z" * 321)
        self.assertEqual((321, "complete"), (found["response_bytes"], found["whole"]))


class Latency(CommandTest):
    def post(self, lost_from=None, lost_to=None):
        """A request in two segments 5 ms apart, and a response in two 9 ms apart, 7 ms after it."""
        body = b"b" * 2000
        asked, answered = request("POST", "/slow", body=body), response(body=b"c" * 2000)
        talk = Conversation().open()
        talk.request(asked[:1000]).request(asked[1000:], after=5 * MILLISECOND, seen=lost_from != "request")
        talk.response(answered[:900], after=7 * MILLISECOND, seen=lost_from != "response")
        talk.response(answered[900:], after=9 * MILLISECOND)
        return self.transactions(self.capture(talk.acknowledge("client").close().frames))

    def test_from_the_last_request_byte_to_the_first_response_byte_in_milliseconds(self):
        self.assertEqual([7], [t["latency_ms"] for t in self.post()])

    def test_fractions_of_a_millisecond(self):
        talk = Conversation().open().call(GET, OK, latency=1_234_567).close()
        self.assertAlmostEqual(1.234567, self.transaction(self.capture(talk.frames))["latency_ms"], places=9)

    def test_null_if_the_last_request_byte_was_lost(self):
        found = self.post(lost_from="request")
        self.assertEqual([("POST", 200, None)], [(t["method"], t["status"], t["latency_ms"]) for t in found])

    def test_null_if_the_first_response_byte_was_lost(self):
        found = self.post(lost_from="response")
        self.assertEqual([("POST", None)], [(t["method"], t["latency_ms"]) for t in found])

    def test_null_if_there_was_no_response(self):
        talk = Conversation().open().request(GET).acknowledge("server").close()
        self.assertIsNone(self.transaction(self.capture(talk.frames))["latency_ms"])


class Whole(CommandTest):
    BODY = b"0123456789" * 600  # several segments

    def whole(self, frames):
        return [(t["method"], t["status"], t["whole"]) for t in self.transactions(self.capture(frames))]

    def test_complete(self):
        self.assertEqual([("GET", 200, "complete")], self.whole(connection([(GET, OK)])))

    def test_request_only_if_the_server_side_is_not_mirrored(self):
        frames = only_from(connection([(GET, OK)]), "10.0.0.1")
        self.assertEqual([("GET", None, "request_only")], self.whole(frames))

    def test_response_only_if_the_client_side_is_not_mirrored(self):
        frames = only_from(connection([(GET, OK)]), "10.0.0.2")
        self.assertEqual([(None, 200, "response_only")], self.whole(frames))

    def test_gap_if_a_segment_of_the_body_is_missing(self):
        answered = response(body=self.BODY)
        talk = Conversation().open().request(GET).response(answered[:1400])
        talk.response(answered[1400:2800], seen=False).response(answered[2800:]).acknowledge("client").close()
        self.assertEqual([("GET", 200, "gap")], self.whole(talk.frames))

    def test_clipped_if_the_snap_length_cut_the_body(self):
        frames = clipped(connection([(GET, response(body=self.BODY))]), 400)
        self.assertEqual([("GET", 200, "clipped")], self.whole(frames))

    def test_sizes_of_a_clipped_body_are_those_on_the_wire(self):
        frames = clipped(connection([(GET, response(body=self.BODY))]), 400)
        self.assertEqual(len(self.BODY), self.transaction(self.capture(frames))["response_bytes"])

    def test_clipped_if_the_connection_ended_within_the_body(self):
        answered = response(body=self.BODY)
        frames = Conversation().open().request(GET).response(answered[:2000]).acknowledge("client").close().frames
        self.assertEqual([("GET", 200, "clipped")], self.whole(frames))

    def test_fields_of_the_missing_half_are_null(self):
        frames = connection([(request("POST", body=b"{}", content_type="application/json"), OK)])
        only_request = self.transaction(self.capture(only_from(frames, "10.0.0.1")))
        for name in ("status", "response_bytes", "response_type", "latency_ms"):
            self.assertIsNone(only_request[name], name)
        only_response = self.transaction(self.capture(only_from(frames, "10.0.0.2"), "b.pcap"))
        for name in ("method", "target", "request_bytes", "request_type", "latency_ms", "user_agent"):
            self.assertIsNone(only_response[name], name)

    def test_clients_and_servers_are_told_apart_in_one_sided_mirrors(self):
        frames = connection([(GET, OK)])
        for side in ("10.0.0.1", "10.0.0.2"):
            found = self.transaction(self.capture(only_from(frames, side)))
            self.assertEqual(("10.0.0.1", "10.0.0.2"), (found["client"], found["server"]), side)


class Which(CommandTest):
    def test_interim_responses_are_no_transactions(self):
        asked = request("PUT", "/f", body=b"data", headers=[("Expect", "100-continue")])
        head, body = asked[:-4], asked[-4:]
        talk = Conversation().open().request(head).response(head_only(100)).request(body)
        talk.response(head_only(103, [("Link", "</x>")])).response(response(201)).close()
        found = self.transaction(self.capture(talk.frames))
        self.assertEqual((201, 4, "complete"), (found["status"], found["request_bytes"], found["whole"]))

    def test_pipelined_requests_get_their_own_answers(self):
        talk = Conversation().open().request(request(target="/1") + request(target="/2") + request(target="/3"))
        talk.response(response(201) + response(202)).response(response(203)).close()
        found = self.transactions(self.capture(talk.frames))
        self.assertEqual([("/1", 201), ("/2", 202), ("/3", 203)], [(t["target"], t["status"]) for t in found])

    def test_http_is_found_on_any_port(self):
        for port in (443, 5432, 31337):
            found = self.transaction_of(GET, OK, server=f"10.0.0.2:{port}")
            self.assertEqual(port, found["server_port"])

    def test_what_is_no_http_gives_no_transactions(self):
        calls = [(b"EHLO mail.test\r\n", b"250 mail.test\r\n"), (b"\x16\x03\x01\0\x05hello", b"\x15\x03\x01"),
                 (GET, OK)]
        self.assertEqual(["/v1/users"], [t["target"] for t in self.transactions(self.capture(connections(calls)))])

    def test_segments_in_any_order_within_the_reorder_window_and_twice(self):
        frames = connection([(request("POST", "/x", body=b"q" * 5000), response(body=b"r" * 5000))])
        expected = self.transactions(self.capture(frames))
        self.assertEqual([(5000, 5000)], [(t["request_bytes"], t["response_bytes"]) for t in expected])
        times = [f.time for f in frames]
        twice = [f for frame in frames for f in (frame, frame)]
        self.assertEqual(expected, self.transactions(self.capture(twice)))
        body = [i for i, f in enumerate(frames) if len(f.data) > 1000]
        swapped = list(frames)
        for i, k in zip(body[:-1:2], body[1::2]):
            swapped[i], swapped[k] = frames[k], frames[i]
        swapped = [type(f)(t, f.data) for f, t in zip(swapped, times)]
        same = [{**t, "latency_ms": None} for t in self.transactions(self.capture(swapped))]
        self.assertEqual([{**t, "latency_ms": None} for t in expected], same)


class Order(CommandTest):
    def slow_and_fast(self):
        """A request whose answer takes 20 s, and others meanwhile."""
        slow = Conversation(client="10.0.0.1:1000").open()
        slow.call(request(target="/slow"), OK, latency=20 * SECOND).close()
        fast = [connection([(request(target=f"/fast{i}"), OK)], client=f"10.0.0.1:{2000 + i}",
                           at=START + i * SECOND + SECOND)
                for i in range(10)]
        return merged(slow.frames, *fast)

    def test_by_request_time_whenever_the_answer_came(self):
        found = self.transactions(self.capture(self.slow_and_fast()))
        self.assertEqual(["/slow"] + [f"/fast{i}" for i in range(10)], [t["target"] for t in found])

    def test_by_request_time_across_files_given_the_other_way_round(self):
        late = self.capture(later(connection([(request(target="/late"), OK)]), 5 * SECOND), "1.pcap")
        early = self.capture(connection([(request(target="/early"), OK)]), "2.pcap")
        self.assertEqual(["/early", "/late"], [t["target"] for t in self.transactions(late, early)])

    def test_the_same_bytes_at_every_run(self):
        capture = self.capture(self.slow_and_fast())
        first = self.specular("transactions", "--json", capture).out
        self.assertEqual(first, self.specular("transactions", "--json", capture).out)
        self.assertEqual(11, first.count('"/'))


class Formats(CommandTest):
    def two(self):
        return self.capture(connection([(request(target="/a"), OK), (request(target="/b"), OK)]))

    def test_json_is_one_array(self):
        found = self.specular("transactions", "--json", self.two()).json()
        self.assertIsInstance(found, list)
        self.assertEqual(["/a", "/b"], [t["target"] for t in found])

    def test_jsonl_is_one_object_a_line(self):
        capture = self.two()
        result = self.specular("transactions", "--jsonl", capture)
        self.assertEqual(2, len(result.out.splitlines()))
        self.assertEqual(self.transactions(capture), result.lines())

    def test_without_transactions_json_is_an_empty_array_and_jsonl_nothing(self):
        empty = self.capture([])
        self.assertEqual([], self.transactions(empty))
        self.assertEqual("", self.specular("transactions", "--jsonl", empty).out)

    def test_a_table_by_default_whose_columns_are_aligned(self):
        title, *rows = self.specular("transactions", self.two()).out.splitlines()
        self.assertEqual(2, len(rows))
        for row, target in zip(rows, ("/a", "/b")):
            self.assertEqual(title.index("TARGET"), row.index(target + " "))
            self.assertEqual(title.index("HOST"), row.index("api.test"))

    def test_output_options_stand_before_or_after_the_command(self):
        capture = self.two()
        before = self.specular("--jsonl", "transactions", capture).out
        self.assertEqual(before, self.specular("transactions", capture, "--jsonl").out)
        self.assertIn('"/a"', before)

    def test_both_json_and_jsonl_is_wrong_usage(self):
        self.says(self.specular("transactions", "--json", "--jsonl", self.two(), status=2), "--json", "--jsonl")


if __name__ == "__main__":
    unittest.main()
