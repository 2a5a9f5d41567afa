"""Exit statuses, wrong usage and captures that are none, damaged or cut: one clear line, and the rest is done."""
import signal
import struct
import unittest

import wire
from harness import TIME, CommandTest, run, run_all
from wire import (RAW_IP, SECOND, START, Conversation, Frame, Interface, connection, gzipped, pcap, pcap_header, pcapng,
                  pcapng_header, pcapng_record, raw_ip, request, response)

GET, OK = request("GET", "/v1/users"), response()
COMMANDS = ("transactions", "analyze")


class Usage(CommandTest):
    def wrong(self, *arguments, says=()):
        result = self.specular(*arguments, status=2)
        self.assertEqual("", result.out)
        self.assertTrue(result.err.strip())
        self.says(result, *says)

    def test_no_command(self):
        self.wrong(says=["subcommand"])

    def test_unknown_command(self):
        self.wrong("analyse", "x.pcap", says=["analyse"])

    def test_unknown_option(self):
        for command in ("transactions", "analyze"):
            self.wrong(command, "--nonsense", self.capture([]), says=["--nonsense"])
        self.wrong("endpoints", "--nonsense")

    def test_missing_file_argument(self):
        for command in COMMANDS:
            self.wrong(command, says=["FILE"])

    def test_missing_value_of_an_option(self):
        self.wrong("analyze", self.capture([]), "--store", says=["--store"])

    def test_commands_that_need_a_store(self):
        for command in (["endpoints"], ["coverage"], ["openapi", "export"], ["endpoints", "show", "h", "GET", "/"]):
            self.wrong(*command, says=["--store"])

    def test_times_that_are_none(self):
        capture = self.capture([])
        for option in ("--since", "--until"):
            for time in ("yesterday", "2024-13-01", "2024-01-01T25:00:00Z", "2024-01-01T00:00:00", "12", "2024-02-30"):
                for command in COMMANDS:
                    self.wrong(command, option, time, capture, says=[option, time])

    def test_a_filter_that_is_none(self):
        for command in COMMANDS:
            self.wrong(command, "--filter", "port eighty-eight", self.capture([]), says=["filter"])

    def test_an_unknown_inspection(self):
        self.wrong("analyze", "--inspect", "some", self.capture([]), says=["full", "budget"])

    def test_help_and_version_are_no_errors(self):
        for arguments in (["--help"], ["--version"], *([c, "--help"] for c in ("analyze", "transactions", "endpoints",
                                                                               "openapi", "coverage"))):
            self.assertRegex(self.specular(*arguments).out, r"Usage: specular|^specular \d")


class NoCaptures(CommandTest):
    def setUp(self):
        super().setUp()
        self.good = self.capture(connection([(GET, OK)]), "good.pcap")

    def refused(self, path, *words):
        """The file is refused in one line, and the good one beside it is read."""
        alone = self.specular("transactions", "--json", path, status=1)
        self.one_line(alone, path, *words)
        self.assertEqual([], alone.json())
        for command, name in (("transactions", "target"), ("analyze", "path")):
            for files in ((path, self.good), (self.good, path)):
                result = self.specular(command, "--json", *files, status=1)
                self.assertEqual(["/v1/users"], [row[name] for row in result.json()])
                self.says(result, path, *words)

    def test_a_file_that_is_not_there(self):
        self.refused(self.folder / "missing.pcap", "No such file")

    def test_an_empty_file(self):
        self.refused(self.file("empty.pcap", b""), "empty")

    def test_a_text_file(self):
        self.refused(self.file("notes.txt", "no capture\n" * 100), "pcap")

    def test_a_tiny_file(self):
        for content in (b"\xd4", b"\xd4\xc3", b"\xd4\xc3\xb2", b"\n", b"\x1f\x8b"):
            self.refused(self.file("tiny", content))

    def test_an_elf_file(self):
        self.refused(self.file("program", b"\x7fELF" + bytes(5000)))

    def test_compressed_text(self):
        self.refused(self.file("notes.gz", gzipped(b"no capture\n" * 100)), "pcap")

    def test_empty_standard_input(self):
        result = self.specular("transactions", "--json", "-", status=1)
        self.one_line(result, "standard input")

    def test_what_could_be_read_is_stored_all_the_same(self):
        store = self.folder / "store"
        self.specular("analyze", "--store", store, self.folder / "missing.pcap", self.good, status=1)
        self.assertEqual(["/v1/users"], [e["path"] for e in self.listed(store)])

    def test_a_capture_without_packets_is_one(self):
        for content in (pcap([]), pcapng([])):
            result = self.specular("transactions", "--json", self.file("nothing", content))
            self.assertEqual(("[]\n", ""), (result.out, result.err))


def small_frames(link=raw_ip):
    """Two calls in four packets, as few bytes as there can be."""
    talk = Conversation(link=link, isn=1)
    for number in (1, 2):
        talk.call(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number, b"HTTP/1.1 204 N\r\n\r\n")
    return talk.frames


class Cut(CommandTest):
    """The first n bytes of a capture, for every n."""

    def results(self, content, command="transactions"):
        files = [self.file(f"cut{size}", content[:size]) for size in range(len(content) + 1)]
        return run_all([command, "--json", file] for file in files)

    def expected(self, whole_of):
        """What is told of the first k packets, for every k."""
        files = [self.file(f"whole{k}", whole_of(small_frames()[:k])) for k in range(5)]
        return [run.out for run in run_all(["transactions", "--json", file] for file in files)]

    def check_cuts(self, content, ends, whole_of):
        """`ends`: where the header ends, and each record; from there on, a cut is a warning."""
        expected = self.expected(whole_of)
        self.assertEqual(5, len(set(expected)), "each packet shows")
        for size, result in enumerate(self.results(content)):
            packets = sum(end <= size for end in ends[1:])
            self.assertEqual(expected[packets], result.out, f"{size} bytes\n{result}")
            if size in ends:
                self.assertEqual((0, ""), (result.status, result.err), f"{size} bytes\n{result}")
            elif size > ends[0]:
                self.assertEqual(0, result.status, f"{size} bytes\n{result}")
                self.one_line(result, "warning", f"cut{size}")
            else:
                self.assertIn(result.status, (0, 1), f"{size} bytes\n{result}")
                self.one_line(result, f"cut{size}")

    def test_pcap(self):
        ends = [24]
        for frame in small_frames():
            ends.append(ends[-1] + 16 + len(frame.data))
        content = pcap(small_frames(), link=RAW_IP)
        self.check_cuts(content, ends, lambda frames: pcap(frames, link=RAW_IP))

    def test_pcapng(self):
        raw = (Interface(link=RAW_IP),)
        ends = [len(pcapng_header(raw))]
        for frame in small_frames():
            ends.append(ends[-1] + len(pcapng_record(frame, raw)))
        section_header_alone = 28
        content = pcapng(small_frames(), raw)
        expected = self.expected(lambda frames: pcapng(frames, raw))
        self.assertEqual(expected[0], self.results(content)[section_header_alone].out)
        self.check_cuts_of_blocks(content, [section_header_alone] + ends, expected)

    def check_cuts_of_blocks(self, content, ends, expected):
        for size, result in enumerate(self.results(content)):
            packets = sum(end <= size for end in ends[2:])
            self.assertEqual(expected[packets], result.out, f"{size} bytes\n{result}")
            if size in ends:
                self.assertEqual((0, ""), (result.status, result.err), f"{size} bytes\n{result}")
            else:
                self.assertIn(result.status, (0,) if size > ends[0] else (0, 1), f"{size} bytes\n{result}")
                self.one_line(result, f"cut{size}")

    def test_gzip(self):
        content = gzipped(pcap(small_frames(), link=RAW_IP))
        expected = self.expected(lambda frames: pcap(frames, link=RAW_IP))
        told = set()
        for size, result in enumerate(self.results(content)[:-1]):
            self.assertIn(result.status, (0, 1), f"{size} bytes\n{result}")
            self.assertIn(result.out, expected, f"{size} bytes\n{result}")
            self.one_line(result, f"cut{size}")
            told.add(result.out)
        self.assertGreater(len(told), 1, "what precedes the cut is told")

    def test_analyze_of_a_cut_capture_keeps_what_came_before(self):
        content = pcap(connection([(GET, OK)]))[:-5]
        store = self.folder / "store"
        result = self.specular("analyze", "--store", store, self.file("cut.pcap", content))
        self.says(result, "warning", "cut.pcap")
        self.assertEqual(["/v1/users"], [e["path"] for e in self.listed(store)])


class Damaged(CommandTest):
    def damaged(self, content, status=1):
        """What came before the damage is told, and the damage in one line."""
        path = self.file("damaged.pcapng", content)
        result = self.specular("transactions", "--json", path, status=status)
        self.assertEqual(["/1"], [t["target"] for t in result.json()])
        self.one_line(result, path)

    def pcapng_with(self, block):
        """One whole call, then that block, then another call."""
        frames, raw = small_frames(), (Interface(link=RAW_IP),)
        records = [pcapng_record(frame, raw) for frame in frames]
        return pcapng_header(raw) + records[0] + records[1] + block + records[2] + records[3]

    def test_block_lengths(self):
        for length in (0, 4, 11, 13, 14, 0x7ffffffc, 0xffffffff):
            with self.subTest(length):
                self.damaged(self.pcapng_with(struct.pack("<II", 6, length) + b"\0" * 40 + struct.pack("<I", length)))

    def test_lengths_at_both_ends_that_differ(self):
        self.damaged(self.pcapng_with(struct.pack("<II", 6, 44) + b"\0" * 32 + struct.pack("<I", 48)))

    def test_a_packet_longer_than_its_block(self):
        body = struct.pack("<IIIII", 0, 0, 0, 5000, 5000) + b"\0" * 12
        self.damaged(self.pcapng_with(wire.block("<", 6, body)))

    def test_a_block_too_short_for_its_kind(self):
        for kind in (1, 2, 6):
            with self.subTest(kind):
                self.damaged(self.pcapng_with(wire.block("<", kind, b"\0" * 4)))

    def test_a_section_without_byte_order(self):
        self.damaged(self.pcapng_with(wire.block("<", 0x0a0d0d0a, b"\1\2\3\4" + b"\0" * 12)))

    def test_pcap_records_of_impossible_length(self):
        frames = small_frames()
        for length in (0x7fffffff, 0xffffffff, 100 << 20):
            with self.subTest(length):
                bad = struct.pack("<IIII", START // 10**9, 0, length, length) + b"\0" * 100
                self.damaged(pcap(frames[:2], link=RAW_IP) + bad)

    def test_unknown_blocks_are_passed_over(self):
        path = self.file("a.pcapng",
                         self.pcapng_with(wire.block("<", 0x0bad, b"something else") + wire.block("<", 5, b"\0" * 8)))
        self.assertEqual(["/1", "/2"], [t["target"] for t in self.transactions(path)])

    def test_packets_of_an_interface_that_was_not_described(self):
        odd = wire.block("<", 6, struct.pack("<IIIII", 7, 0, 0, 4, 4) + b"\0" * 4)
        path = self.file("a.pcapng", self.pcapng_with(odd))
        result = self.specular("transactions", "--json", path)
        self.assertEqual(["/1", "/2"], [t["target"] for t in result.json()])
        self.one_line(result, "warning", path)

    def test_compressed_data_damaged_on_the_way(self):
        calls = [(request("GET", f"/v1/users/{i}"), response(body=bytes([i % 251]) * 700)) for i in range(3000)]
        content = bytearray(gzipped(pcap(wire.connections(calls))))
        content[len(content) // 2] ^= 0x55
        path = self.file("damaged.pcap.gz", bytes(content))
        result = self.specular("transactions", "--json", path, status=1)
        self.one_line(result, path)
        self.assertGreater(len(result.json()), 100)

    def test_any_byte_replaced(self):
        raw = (Interface(link=RAW_IP),)
        for name, content in (("pcap", pcap(small_frames(), link=RAW_IP)), ("pcapng", pcapng(small_frames(), raw))):
            files, calls = [], 0
            for at in range(len(content)):
                changed = content[:at] + bytes([content[at] ^ 0xff]) + content[at + 1:]
                files.append(self.file(f"{name}{at}", changed))
            for result in run_all(["transactions", "--json", file] for file in files):
                self.assertIn(result.status, (0, 1), result)
                self.assertIsInstance(result.json(), list)
                self.assertLessEqual(len(result.err.splitlines()), 1, result)
                calls += len(result.json())
            self.assertGreater(calls, len(files))


class Output(CommandTest):
    """Standard output that takes nothing."""

    def test_a_full_disk_is_a_failure(self):
        capture = self.capture(connection([(request("GET", f"/v1/users/{i}"), OK) for i in range(50)]))
        store = self.store_of(capture)
        for command in (["analyze", "--json", capture], ["transactions", capture], ["transactions", "--jsonl", capture],
                        ["endpoints", "--store", store], ["coverage", "--store", store],
                        ["openapi", "export", "--store", store]):
            with self.subTest(command[0]), open("/dev/full", "wb") as full:
                result = run(*command, stdout=full)
                self.assertEqual(1, result.status, result)
                self.says(result, "No space left")

    def test_a_reader_that_has_gone_is_no_crash(self):
        capture = self.capture(connection([(request("GET", f"/v1/users/{i}"), OK) for i in range(3000)]))
        process = self.start("transactions", "--jsonl", capture)
        self.assertIn(b"/v1/users/0", process.stdout.readline())
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=60)
        self.assertIn(process.returncode, (0, 1, -signal.SIGPIPE), err)


class Strange(CommandTest):
    """Packets that contradict themselves are data, and no errors."""

    def reads_on(self, frames):
        """A call after these frames is found."""
        after = connection([(request("GET", "/v1/after"), OK)], client="10.0.0.77:77", at=START + 60 * SECOND)
        capture = self.capture(frames + after)
        self.assertIn("/v1/after", [t["target"] for t in self.transactions(capture)])
        self.assertIn("/v1/after", [e["path"] for e in self.specular("analyze", "--json", capture).json()])

    def test_frames_of_any_content(self):
        whole = connection([(GET, OK)])[3].data
        frames = [Frame(START + i, whole[:i]) for i in range(len(whole))]
        frames += [Frame(START + 1000 + i, whole[:i] + b"\xff" + whole[i + 1:]) for i in range(len(whole))]
        frames += [Frame(START + 2000 + i, bytes([i % 256]) * i) for i in range(300)]
        self.reads_on(frames)

    def test_times_that_run_backwards_and_far_apart(self):
        frames = connection([(GET, OK)])
        times = [2**32 * 10**9 - 1, 0, START, 10**9, START * 2, 5, START, START + 1]
        frames = [Frame(time, frame.data) for time, frame in zip(times, frames)]
        self.reads_on(frames)

    def record(self, units, data):
        head = struct.pack("<IIIII", 0, units >> 32, units & 0xffffffff, len(data), len(data))
        return wire.block("<", 6, head + data)

    def test_times_beyond_all_measure(self):
        told = 0
        for resolution in (0, 6, 9, 18, 127, 0x80, 0x80 + 32, 0x80 + 63, 0xff):
            for offset in (0, 2**62, -2**62, 2**63 - 1, -2**63):
                header = pcapng_header((Interface(link=RAW_IP, resolution=resolution, offset_seconds=offset),))
                records = [self.record(units, frame.data)
                           for units, frame in zip((0, 2**63, 2**64 - 1, START), small_frames())]
                capture = self.file("odd.pcapng", header + b"".join(records))
                for row in self.transactions(capture):
                    self.assertRegex(row["time"], TIME)
                    told += 1
                self.specular("analyze", "--json", capture)
        self.assertGreater(told, 45)

    def test_a_length_on_the_wire_smaller_than_what_was_captured(self):
        frames = [Frame(f.time, f.data, wire=10) for f in connection([(GET, OK)])]
        self.assertEqual(["complete"], [t["whole"] for t in self.transactions(self.capture(frames))])


if __name__ == "__main__":
    unittest.main()
