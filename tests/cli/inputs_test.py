"""What captures may come as: several files, folders, standard input, compressed, in every format; and parts of them."""
import unittest

import wire
from harness import CommandTest
from wire import (ETHERNET, LINUX_COOKED, LINUX_COOKED_2, NULL_LOOPBACK, RAW_IP, SECOND, START, Conversation, Frame,
                  Interface, connection, connections, ethernet, gzipped, in_vxlan, later, linux_cooked, linux_cooked_2,
                  merged, null_loopback, pcap, pcapng, raw_ip, request, response, zstd_compressed)

OK = response()
LINKS = {ETHERNET: ethernet, RAW_IP: raw_ip, LINUX_COOKED: linux_cooked, LINUX_COOKED_2: linux_cooked_2,
         NULL_LOOPBACK: null_loopback}


def call(name):
    return request("GET", f"/{name}"), OK


class InputTest(CommandTest):
    def targets(self, *arguments, stdin=b""):
        return [t["target"] for t in self.transactions(*arguments, stdin=stdin)]


class Formats(InputTest):
    FRAMES = connections([call("a"), call("b")])

    def same(self, content):
        expected = self.transactions(self.capture(self.FRAMES, "reference.pcap"))
        self.assertEqual(2, len(expected))
        self.assertEqual(expected, self.transactions(self.file("other", content)))

    def test_pcap_of_either_byte_order_and_resolution(self):
        for big in (False, True):
            for nano in (False, True):
                with self.subTest(big=big, nano=nano):
                    self.same(pcap(self.FRAMES, big=big, nano=nano))

    def test_nanoseconds_are_kept(self):
        frames = [Frame(f.time + 123, f.data) for f in self.FRAMES]
        for big in (False, True):
            told = self.transactions(self.file("nano", pcap(frames, big=big, nano=True)))[0]["time"]
            self.assertTrue(told.endswith("000123Z"), told)

    def test_pcapng_of_either_byte_order(self):
        for big in (False, True):
            with self.subTest(big=big):
                self.same(pcapng(self.FRAMES, big=big))

    def test_pcapng_resolutions_and_offsets_of_time(self):
        for interface in (Interface(resolution=3), Interface(resolution=6), Interface(offset_seconds=3600),
                          Interface(resolution=6, offset_seconds=-7200)):
            with self.subTest(interface):
                self.same(pcapng(self.FRAMES, (interface,)))

    def test_pcapng_sections_one_after_the_other_in_different_byte_orders(self):
        half = len(self.FRAMES) // 2
        self.same(pcapng(self.FRAMES[:half]) + pcapng(self.FRAMES[half:], big=True))

    def test_pcapng_interfaces_of_different_link_types_and_snap_lengths(self):
        interfaces = tuple(Interface(link=link, snap=snap, resolution=6 + 3 * (i % 2))
                           for i, (link, snap) in enumerate(zip(LINKS, (0, 65535, 262144, 100, 1500))))
        frames, names = [], []
        for number, wrap in enumerate(LINKS.values()):
            talk = connection([call(f"i{number}")], client=f"10.0.0.1:{4000 + number}", at=START + number * SECOND,
                              link=wrap)
            frames += [Frame(f.time, f.data, interface=number) for f in talk]
            names.append(f"/i{number}")
        self.assertEqual(names, self.targets(self.file("mixed.pcapng", pcapng(frames, interfaces))))

    def test_one_conversation_over_two_interfaces(self):
        interfaces = (Interface(link=ETHERNET), Interface(link=RAW_IP))
        frames = [Frame(f.time, f.data[14:] if i % 2 else f.data, interface=i % 2) for i, f in enumerate(self.FRAMES)]
        self.assertEqual(["/a", "/b"], self.targets(self.file("mixed.pcapng", pcapng(frames, interfaces))))

    def test_link_types(self):
        for link, wrap in LINKS.items():
            with self.subTest(link):
                frames = connection([call("x")], link=wrap) + later(
                    connection([call("y")], client="[2001:db8::1]:5000", server="[2001:db8::2]:80", link=wrap), SECOND)
                self.assertEqual(["/x", "/y"], self.targets(self.file("linked", pcap(frames, link=link))))

    def test_vlan_tags(self):
        tagged = [Frame(f.time, f.data[:12] + b"\x88\xa8\0\5\x81\0\0\7" + f.data[12:]) for f in self.FRAMES]
        found = self.transactions(self.capture(tagged))
        self.assertEqual([("/a", None), ("/b", None)], [(t["target"], t["tunnel"]) for t in found])

    def test_gzip(self):
        self.same(gzipped(pcap(self.FRAMES)))
        self.same(gzipped(pcapng(self.FRAMES)))

    def test_gzip_of_several_members(self):
        content, half = pcap(self.FRAMES), 500
        self.same(gzipped(content[:half]) + gzipped(content[half:]))

    def test_zstd(self):
        content = zstd_compressed(pcap(self.FRAMES))
        if content is None:
            self.skipTest("the zstd command is not installed")
        self.same(content)

    def test_zstd_of_several_frames(self):
        content = pcap(self.FRAMES)
        parts = [zstd_compressed(content[:500]), zstd_compressed(content[500:])]
        if None in parts:
            self.skipTest("the zstd command is not installed")
        self.same(b"".join(parts))

    def test_names_of_files_say_nothing(self):
        self.assertEqual(["/a", "/b"], self.targets(self.file("capture.txt", gzipped(pcap(self.FRAMES)))))


class SeveralFiles(InputTest):
    def conversations(self):
        calls = [(request("POST", f"/v1/users/{i}", body=b"b" * 3000), response(body=b"r" * 2500)) for i in range(6)]
        return merged(*(connection(calls, client=f"10.0.0.{i}:5000", at=START + i * 700) for i in range(1, 4)))

    def test_packets_are_merged_by_time(self):
        frames = self.conversations()
        expected = self.transactions(self.capture(frames, "whole.pcap"))
        parts = [self.capture(frames[i::3], f"part{i}.pcap") for i in range(3)]
        self.assertEqual(expected, self.transactions(*parts))
        self.assertEqual(expected, self.transactions(*reversed(parts)))
        self.assertEqual({"complete"}, {t["whole"] for t in expected})

    def test_analysis_of_the_parts_is_that_of_the_whole(self):
        frames = self.conversations()
        parts = [self.capture(frames[i::3], f"part{i}.pcap") for i in range(3)]
        whole = self.specular("analyze", "--json", self.capture(frames, "whole.pcap")).out
        self.assertEqual(whole, self.specular("analyze", "--json", *parts).out)
        self.assertIn('"requests":18', whole)

    def test_rotated_files_in_any_order(self):
        frames = self.conversations()
        size = len(frames) // 10
        parts = [self.capture(frames[i:i + size], f"rotated{i}.pcap") for i in range(0, len(frames), size)]
        expected = self.transactions(self.capture(frames, "whole.pcap"))
        self.assertEqual(expected, self.transactions(*parts[::2], *parts[1::2]))
        self.assertEqual(18, len(expected))

    def test_files_of_different_formats(self):
        frames = self.conversations()
        third = len(frames) // 3
        files = [self.file("1", pcap(frames[:third], big=True, nano=True)),
                 self.file("2", gzipped(pcapng(frames[third:2 * third]))),
                 self.file("3", pcap(frames[2 * third:], nano=True))]
        expected = self.transactions(self.capture(frames, "whole.pcap"))
        self.assertEqual(expected, self.transactions(*files))
        self.assertEqual(18, len(expected))

    def test_the_same_file_twice_counts_twice_with_a_warning(self):
        capture = self.capture(connections([(request("GET", "/v1/users"), OK)] * 3))
        result = self.specular("analyze", "--json", capture, capture)
        self.assertEqual(1, result.err.count("warning"), result)
        self.says(result, capture)
        self.assertEqual([6], [e["requests"] for e in result.json()])

    def test_the_same_file_under_another_name_is_the_same(self):
        capture = self.capture(connections([call("a")]))
        link = self.folder / "link.pcap"
        link.symlink_to(capture)
        result = self.specular("transactions", "--json", capture, link)
        self.assertEqual(1, result.err.count("warning"), result)

    def test_different_files_give_no_warning(self):
        files = [self.capture(later(connections([call("a")]), i * SECOND), f"{i}.pcap") for i in range(3)]
        result = self.specular("transactions", "--json", *files)
        self.assertEqual(("", 3), (result.err, len(result.json())))


class Folders(InputTest):
    def test_all_captures_in_it(self):
        for i in range(4):
            self.capture(connections([call(f"{i}")], at=START + i * SECOND), f"captures/{3 - i}.pcap")
        self.assertEqual(["/0", "/1", "/2", "/3"], self.targets(self.folder / "captures"))

    def test_what_is_no_capture_is_left_out_with_a_warning(self):
        self.capture(connections([call("a")]), "captures/a.pcap")
        notes = self.file("captures/notes.txt", "nothing to see")
        result = self.specular("transactions", "--json", self.folder / "captures")
        self.assertEqual(["/a"], [t["target"] for t in result.json()])
        self.one_line(result, "warning", notes)

    def test_folders_beside_files(self):
        self.capture(connections([call("a")]), "captures/a.pcap")
        file = self.capture(connections([call("b")], at=START + SECOND), "b.pcap")
        self.assertEqual(["/a", "/b"], self.targets(file, self.folder / "captures"))

    def test_a_file_named_beside_its_folder_is_warned_about(self):
        file = self.capture(connections([call("a")]), "captures/a.pcap")
        result = self.specular("transactions", "--json", file, self.folder / "captures")
        self.assertEqual(1, result.err.count("warning"), result)

    def test_thousands_of_files(self):
        for i in range(1500):
            self.file(f"many/{i:05}.pcap",
                      pcap(connection([call(f"{i}")], client=f"10.0.0.1:{2000 + i}", at=START + i * SECOND)))
        found = self.targets(self.folder / "many")
        self.assertEqual([f"/{i}" for i in range(1500)], found)


class StandardInput(InputTest):
    CONTENT = pcap(connections([call("a"), call("b")]))

    def test_pcap(self):
        self.assertEqual(["/a", "/b"], self.targets("-", stdin=self.CONTENT))

    def test_compressed(self):
        self.assertEqual(["/a", "/b"], self.targets("-", stdin=gzipped(self.CONTENT)))

    def test_analyze(self):
        result = self.specular("analyze", "--json", "-", stdin=self.CONTENT)
        self.assertEqual(["/a", "/b"], [e["path"] for e in result.json()])

    def test_beside_files(self):
        other = self.capture(connections([call("c")], at=START + 2_000_000, client="10.0.0.9"))
        self.assertEqual(["/a", "/c", "/b"], self.targets("-", other, stdin=self.CONTENT))

    def test_cut_short(self):
        result = self.specular("transactions", "--json", "-", stdin=self.CONTENT[:-3])
        self.assertEqual(["/a", "/b"], [t["target"] for t in result.json()])
        self.one_line(result, "warning")

    def test_no_capture(self):
        self.one_line(self.specular("transactions", "-", stdin=b"hello, world, this is text\n" * 9, status=1), "pcap")


class TimeRange(InputTest):
    """Three connections, a second apart; each has its request 3 ms after it began."""

    def setUp(self):
        super().setUp()
        self.three = self.capture(connections([call("0"), call("1"), call("2")], step=SECOND))

    def test_since_is_in(self):
        self.assertEqual(["/1", "/2"], self.targets("--since", "2023-11-14T22:13:21Z", self.three))

    def test_until_is_out(self):
        self.assertEqual(["/0", "/1"], self.targets("--until", "2023-11-14T22:13:22Z", self.three))

    def test_both(self):
        self.assertEqual(["/1"],
                         self.targets("--since", "2023-11-14T22:13:21Z", "--until", "2023-11-14T22:13:22Z", self.three))

    def test_to_the_nanosecond(self):
        self.assertEqual(["/1", "/2"], self.targets("--since", "2023-11-14T22:13:21.003000000Z", self.three))
        self.assertEqual([None, "/2"], self.targets("--since", "2023-11-14T22:13:21.003000001Z", self.three))
        wholes = [t["whole"] for t in self.transactions("--until", "2023-11-14T22:13:20.004000000Z", self.three)]
        self.assertEqual(["request_only"], wholes)
        wholes = [t["whole"] for t in self.transactions("--until", "2023-11-14T22:13:20.004000001Z", self.three)]
        self.assertEqual(["complete"], wholes)

    def test_other_time_zones(self):
        for time in ("2023-11-14T23:13:21+01:00", "2023-11-14t16:43:21-05:30", "2023-11-14T22:13:21.0z"):
            self.assertEqual(["/1", "/2"], self.targets("--since", time, self.three), time)

    def test_nothing_in_between(self):
        self.assertEqual([], self.targets("--since", "2030-01-01T00:00:00Z", self.three))

    def test_analyze(self):
        result = self.specular("analyze", "--json", "--since", "2023-11-14T22:13:21Z", self.three)
        self.assertEqual(2, sum(e["requests"] for e in result.json()))

    def test_parts_cut_by_time_add_up_in_a_store(self):
        frames = [f for i in range(20) for f in connection([(request("GET", f"/v1/users/{i}"), OK)],
                                                          client=f"10.0.0.{i}:4000", at=START + i * SECOND)]
        capture, cut = self.capture(frames), "2023-11-14T22:13:30Z"
        store = self.store_of("--until", cut, capture)
        self.specular("analyze", "--store", store, "--since", cut, capture)
        self.assertEqual(self.listed(self.store_of(capture)), self.listed(store))
        self.assertEqual([20], [e["requests"] for e in self.listed(store)])


class Filters(InputTest):
    def test_only_what_matches(self):
        frames = merged(connections([call("web")]),
                        connections([call("other")], server="10.0.0.3:8080", at=START + SECOND))
        capture = self.capture(frames)
        for text, found in (("port 80", ["/web"]), ("tcp port 8080", ["/other"]), ("host 10.0.0.3", ["/other"]),
                            ("not port 8080", ["/web"]), ("udp", []), ("tcp", ["/web", "/other"])):
            self.assertEqual(found, self.targets("--filter", text, capture), text)

    def test_one_direction(self):
        found = self.transactions("--filter", "src host 10.0.0.1", self.capture(connections([call("a")])))
        self.assertEqual(["request_only"], [t["whole"] for t in found])

    def test_filters_see_the_outer_packet(self):
        capture = self.capture(in_vxlan(connections([call("a")]), 7))
        self.assertEqual(["/a"], self.targets("--filter", "udp port 4789", capture))
        self.assertEqual([], self.targets("--filter", "tcp", capture))

    def test_files_of_different_link_types(self):
        files = []
        for number, (link, wrap) in enumerate(LINKS.items()):
            frames = connection([call(f"{number}")], client=f"10.0.0.1:{4000 + number}", at=START + number * SECOND,
                                link=wrap)
            frames += connection([call("no")], client=f"10.0.0.9:{4000 + number}", at=START + number * SECOND,
                                 link=wrap)
            files.append(self.file(f"{number}.pcap", pcap(frames, link=link)))
        self.assertEqual([f"/{i}" for i in range(len(LINKS))], self.targets("--filter", "host 10.0.0.1", *files))

    def test_packets_cut_by_the_snap_length(self):
        frames = wire.clipped(connections([(request("GET", "/a"), response(body=b"x" * 5000))]), 200)
        self.assertEqual(["clipped"],
                         [t["whole"] for t in self.transactions("--filter", "tcp port 80", self.capture(frames))])

    def test_together_with_times(self):
        frames = connections([call("0"), call("1"), call("2")], step=SECOND)
        self.assertEqual(["/2"],
                         self.targets("--filter", "port 80", "--since", "2023-11-14T22:13:22Z", self.capture(frames)))


if __name__ == "__main__":
    unittest.main()
