"""Stores: what is kept, how runs add up, and what is said of a folder that cannot be used."""
import fcntl
import random
import re
import signal
import time
import unittest

from harness import CommandTest, is_locked, run, wait_until
from wire import (MILLISECOND, SECOND, START, connection, connections, head_only, in_vxlan, later, merged, pcap,
                  request, response)

OK = response()
READERS = (["endpoints", "--json"], ["coverage", "--json"], ["openapi", "export"],
           ["endpoints", "show", "api.test", "GET", "/v1/users"])


def busy_traffic(seed=0, hosts=3, users=40):
    """Several hosts with many kinds of endpoints, clients and answers; times go with `seed`."""
    frames = []
    for host in range(hosts):
        for number in range(users):
            identity, at = number * 7 + host, START + seed * 3600 * SECOND + number * 300 * MILLISECOND + host
            name = f"h{host}.test"
            calls = [(request("GET", f"/v1/users/{identity}?page={number}", host=name,
                              headers=[("Authorization", "Bearer x")]), OK),
                     (request("POST", "/v1/users", host=name, body=b"{}" * number, content_type="application/json"),
                      response(201)),
                     (request("GET", f"/v1/items/item-{number:06x}", host=name), response(404 if number % 3 else 200)),
                     (request("DELETE", f"/v1/users/{identity}", host=name), head_only(204)),
                     (request("GET", f"/words/{'abcdefghij'[number % 10] * 5}", host=name),
                      response(body=b"y" * (number + 9)))]
            frames += connection(calls, client=f"10.{host}.0.{number}:{3000 + seed}", server=f"10.9.0.{host}:80", at=at)
    return merged(frames)


def many_words():
    """Users by name: 500 words where others have a few, some with more methods, below them more, or much in use."""
    dice = random.Random(1)
    calls = [(request("GET", "/users/search"), response(body=b"z" * i)) for i in range(100)]
    for i in range(500):
        name = "".join(dice.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(7))
        calls.append((request("GET", f"/users/{name}"), response(body=b"x" * (i % 90))))
        if i % 5 == 0:
            calls.append((request("POST", f"/users/{name}", body=b"{}"), response(201)))
        if i % 7 == 0:
            calls.append((request("GET", f"/users/{name}/profile"), response(body=b"y" * (i % 90))))
    dice.shuffle(calls)
    return [connection([call], client=f"10.{i % 5}.0.{i % 200}:{2000 + i}", at=START + i * 40 * MILLISECOND)
            for i, call in enumerate(calls)]


class StoreTest(CommandTest):
    def analyze(self, store, frames, *options, status=0):
        return self.specular("analyze", "--store", store, self.capture(frames), *options, status=status)

    def content(self, store):
        """All that the commands tell of a store, but for the checksums looked at: those are a sample."""
        endpoints = self.specular("endpoints", "--all", "--json", "--store", store).out
        self.assertIn('"method"', endpoints)
        coverage = self.coverage(store)
        coverage[0]["counters"].pop("tested_checksums", None)
        return endpoints, coverage


class AddingUp(StoreTest):
    def test_analysed_twice_counts_twice(self):
        store = self.folder / "store"
        once = self.analyze(store, connections([(request("GET", "/v1/users"), OK)] * 3))
        self.analyze(store, later(connections([(request("GET", "/v1/users"), OK)] * 3), SECOND))
        self.assertIn("1 API endpoint", once.err)
        found = self.listed(store)
        self.assertEqual([(6, {"200": 6}, 1)], [(e["requests"], e["statuses"], e["clients"]) for e in found])
        self.assertEqual(("2023-11-14T22:13:20.003000000Z", "2023-11-14T22:13:21.023000000Z"),
                         (found[0]["first_seen"], found[0]["last_seen"]))

    def test_two_halves_in_two_runs_equal_one_run_over_the_whole(self):
        frames = busy_traffic()
        whole, halves = self.folder / "whole", self.folder / "halves"
        self.analyze(whole, frames)
        connections_of_half = {True: [], False: []}
        for frame in frames:
            connections_of_half[frame.data[29] % 2 + frame.data[33] % 2 == 1].append(frame)
        for half in connections_of_half.values():
            self.analyze(halves, half)
        self.assertEqual(self.content(whole), self.content(halves))
        self.assertGreater(len(self.listed(whole)), 6)

    def test_a_capture_cut_by_time_between_connections_equals_the_whole(self):
        frames = [f for part in range(4) for f in busy_traffic(seed=part, users=15)]
        whole = self.store_of(self.capture(frames))
        for cut in (len(frames) // 4, len(frames) // 2):
            parts = self.folder / f"parts{cut}"
            self.analyze(parts, frames[:cut])
            self.analyze(parts, frames[cut:])
            self.assertEqual(self.content(whole), self.content(parts))

    def test_the_order_of_the_parts_does_not_matter(self):
        parts = [busy_traffic(seed=part, users=12) for part in range(3)]
        first, second = self.folder / "first", self.folder / "second"
        for part in parts:
            self.analyze(first, part)
        for part in reversed(parts):
            self.analyze(second, part)
        self.assertEqual(self.content(first), self.content(second))

    def test_many_paths_in_parts_equal_the_whole(self):
        calls = [(request("GET", f"/files/{chr(97 + i % 26)}{i:04x}zz/{i}"), response(body=b"z" * (i % 50)))
                 for i in range(900)]
        frames = connections(calls)
        whole, parts = self.folder / "whole", self.folder / "parts"
        self.analyze(whole, frames)
        for i in range(3):
            self.analyze(parts, frames[i * len(frames) // 3:(i + 1) * len(frames) // 3])
        self.assertEqual(self.content(whole), self.content(parts))

    def test_very_many_words_in_parts_and_in_any_order_equal_the_whole(self):
        talks = many_words()
        parts = [merged(*talks[i::5]) for i in range(5)]
        whole = self.listed(self.store_of(self.capture(merged(*talks))))
        self.assertEqual(772, sum(e["requests"] for e in whole))
        for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]):
            store = self.folder / f"in-order-{order[0]}"
            for i in order:
                self.analyze(store, parts[i])
            self.assertEqual(self.brief(whole), self.brief(self.listed(store)), order)

    def brief(self, endpoints):
        return [(e["method"], e["path"], e["requests"], e["kind"]) for e in endpoints]

    def test_a_run_over_nothing_changes_nothing(self):
        store = self.store_of(self.capture(busy_traffic(users=5)))
        before = self.content(store)
        self.analyze(store, [])
        self.assertEqual(before, self.content(store))

    def test_reading_changes_nothing(self):
        store = self.store_of(self.capture(connections([(request("GET", "/v1/users"), OK)])))
        files = {f.name: f.read_bytes() for f in store.iterdir()}
        for command in READERS:
            self.specular(*command, "--store", store)
        self.assertEqual(files, {f.name: f.read_bytes() for f in store.iterdir()})

    def test_many_runs(self):
        store = self.folder / "store"
        for i in range(12):
            self.analyze(store, connections([(request("GET", f"/v1/users/{i}"), OK)], at=START + i * SECOND))
        self.assertEqual([12], [e["requests"] for e in self.listed(store)])


class Shards(StoreTest):
    def test_one_shard_and_four_give_the_same_bytes(self):
        frames = merged(busy_traffic(), in_vxlan(busy_traffic(users=10), 7))
        capture, config = self.capture(frames), self.config("shards: 4\n")
        for command in (["analyze", "--json"], ["transactions", "--json"], ["analyze"]):
            one, four = self.specular(*command, capture), self.specular(*command, capture, "--config", config)
            self.assertEqual((one.out, one.err), (four.out, four.err))
            self.assertGreater(len(one.out), 1000)

    def test_very_many_words_are_the_same_in_any_number_of_shards(self):
        capture = self.capture(merged(*many_words()))
        one = self.specular("analyze", "--json", capture).out
        self.assertIn("/users/search", one)
        for shards in (2, 4, 8):
            config = self.config(f"shards: {shards}\n")
            self.assertEqual(one, self.specular("analyze", "--json", capture, "--config", config).out, shards)

    def test_stores_made_by_one_shard_and_four_tell_the_same(self):
        capture = self.capture(busy_traffic())
        one = self.store_of(capture)
        four = self.store_of(capture, "--config", self.config("shards: 4\n"))
        self.assertEqual(self.content(one), self.content(four))
        self.assertEqual(self.specular("openapi", "export", "--host", "h1.test", "--store", one).out,
                         self.specular("openapi", "export", "--host", "h1.test", "--store", four).out)


class NoStore(StoreTest):
    def unreadable(self, place, *words):
        for command in READERS:
            result = self.specular(*command, "--store", place, status=1)
            self.assertEqual("", result.out)
            self.one_line(result, place, *words)

    def unwritable(self, place, *words):
        result = self.analyze(place, connections([(request("GET", "/v1/users"), OK)]), status=1)
        self.one_line(result, place, *words)

    def test_a_folder_with_other_things_in_it(self):
        notes = self.file("notes/readme.txt", "keep me")
        self.unreadable(notes.parent)
        self.unwritable(notes.parent)
        self.assertEqual(["readme.txt"], [f.name for f in notes.parent.iterdir()])

    def test_a_file(self):
        place = self.file("store", "text")
        self.unreadable(place)
        self.unwritable(place)

    def test_reading_where_nothing_is_makes_nothing(self):
        self.unreadable(self.folder / "missing")
        self.assertFalse((self.folder / "missing").exists())
        empty = self.folder / "empty"
        empty.mkdir()
        self.unreadable(empty)
        self.assertEqual([], list(empty.iterdir()))

    def test_writing_makes_the_folder(self):
        place = self.folder / "deep" / "store"
        self.analyze(place, connections([(request("GET", "/v1/users"), OK)]))
        self.assertEqual(1, len(self.listed(place)))

    def test_an_empty_folder_becomes_a_store(self):
        place = self.folder / "empty"
        place.mkdir()
        self.analyze(place, connections([(request("GET", "/v1/users"), OK)]))
        self.assertEqual(1, len(self.listed(place)))

    def test_an_existing_store_is_not_touched_by_wrong_usage(self):
        store = self.store_of(self.capture(connections([(request("GET", "/v1/users"), OK)])))
        before = self.content(store)
        for wrong in (["--since", "nonsense"], ["--filter", "bad bad"], ["--config", self.config("shards: 0\n")]):
            self.analyze(store, busy_traffic(users=3), *wrong, status=2)
        self.assertEqual(before, self.content(store))

    def test_damaged_files(self):
        frames = connections([(request("GET", "/v1/users"), OK)])
        for pattern in ("CURRENT", "MANIFEST-*"):
            store = self.store_of(self.capture(frames))
            file = next(store.glob(pattern))
            file.write_bytes(b"\0garbage\0" * 10)
            self.unreadable(store)
            self.unwritable(store)


class Formats(StoreTest):
    """A store with another version number in its meta row, put there by hand: the log of RocksDB is rewritten."""

    def crc32c(self, data):
        crc = 0xffffffff
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
        return crc ^ 0xffffffff

    def set_format(self, store, number):
        """The first record of the first log holds the row "m", whose value begins with the format: 08 01 11 …"""
        log = min(store.glob("*.log"))
        data = bytearray(log.read_bytes())
        size = int.from_bytes(data[4:6], "little")
        pattern = re.compile(rb"(\x01\x01m.\x08).(?=\x11)", re.S)
        record, count = pattern.subn(lambda m: m.group(1) + bytes([number]), bytes(data[6:7 + size]), count=1)
        self.assertEqual(1, count, "the meta row is where it was")
        crc = self.crc32c(record)
        masked = ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff
        data[:4], data[6:7 + size] = masked.to_bytes(4, "little"), record
        log.write_bytes(bytes(data))

    def logs(self, store):
        return {f.name: f.read_bytes() for f in store.glob("*.log")}

    def test_written_by_a_newer_version(self):
        store = self.store_of(self.capture(connections([(request("GET", "/v1/users"), OK)])))
        self.set_format(store, 99)
        logs = self.logs(store)
        for command in READERS:
            result = self.specular(*command, "--store", store, status=1)
            self.assertEqual("", result.out)
            self.one_line(result, store, "newer", "99")
        self.assertEqual(logs, self.logs(store))
        self.set_format(store, 1)
        self.assertEqual(["/v1/users"], [e["path"] for e in self.listed(store)])

    def test_written_by_a_newer_version_is_not_written_to(self):
        store = self.store_of(self.capture(connections([(request("GET", "/v1/users"), OK)])))
        self.set_format(store, 99)
        self.one_line(self.analyze(store, busy_traffic(users=2), status=1), store, "newer", "99")
        result = self.specular("endpoints", "--store", store, status=1)
        self.one_line(result, store, "newer", "99")


class InUse(StoreTest):
    def setUp(self):
        super().setUp()
        self.store = self.store_of(self.capture(connections([(request("GET", "/v1/users"), OK)])))

    def hold(self):
        """Another process that writes into the store, until its input ends."""
        process = self.start("analyze", "-", "--store", self.store)
        self.assertTrue(wait_until(lambda: is_locked(self.store / "LOCK")), "the store is locked while it is written")
        return process

    def test_readers_and_writers_are_told_so_in_one_line(self):
        process = self.hold()
        for command in (*READERS, ["analyze", self.capture(busy_traffic(users=2))]):
            result = self.specular(*command, "--store", self.store, status=1)
            self.assertEqual("", result.out)
            self.one_line(result, self.store, "another process")
        self.assertIsNone(process.poll())

    def test_the_holder_is_not_disturbed_and_its_work_is_kept(self):
        process = self.hold()
        self.specular("endpoints", "--store", self.store, status=1)
        self.analyze(self.store, busy_traffic(users=2), status=1)
        content = pcap(connections([(request("GET", "/v1/late"), OK)], at=START + SECOND))
        out, err = process.communicate(content, timeout=60)
        self.assertEqual(0, process.returncode, err)
        self.assertEqual(["/v1/late", "/v1/users"], sorted(e["path"] for e in self.listed(self.store)))

    def test_free_again_when_the_holder_was_killed(self):
        process = self.hold()
        process.kill()
        process.communicate()
        self.assertEqual(["/v1/users"], [e["path"] for e in self.listed(self.store)])
        self.analyze(self.store, connections([(request("GET", "/v1/more"), OK)]))

    def test_a_new_store_in_the_making_is_in_use_too(self):
        place = self.folder / "new"
        self.start("analyze", "-", "--store", place)
        self.assertTrue(wait_until(lambda: (place / "CURRENT").exists() and is_locked(place / "LOCK")))
        self.one_line(self.analyze(place, busy_traffic(users=2), status=1), place, "another process")

    def test_a_new_store_of_which_there_is_but_the_lock_is_in_use_too(self):
        place = self.file("new/LOCK", "").parent
        with open(place / "LOCK", "r+b") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            self.one_line(self.analyze(place, busy_traffic(users=2), status=1), place, "another process")

    def test_a_foreign_lock_is_enough(self):
        with open(self.store / "LOCK", "r+b") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            for command in (*READERS, ["analyze", self.capture([])]):
                self.one_line(self.specular(*command, "--store", self.store, status=1), "another process")

    def test_several_readers_at_once(self):
        processes = [self.start("endpoints", "--json", "--store", self.store) for _ in range(8)]
        outputs = {process.communicate(timeout=60)[0] for process in processes}
        self.assertEqual([0] * 8, [process.returncode for process in processes])
        self.assertEqual(1, len(outputs))
        self.assertIn(b"/v1/users", outputs.pop())


class Killed(StoreTest):
    """kill -9 in the middle of `analyze --store`: nothing new, or everything."""

    def test_while_it_waits_for_more_input(self):
        store = self.store_of(self.capture(connections([(request("GET", "/v1/users"), OK)])))
        before = self.content(store)
        content = pcap(busy_traffic())
        process = self.start("analyze", "-", "--store", store)
        process.stdin.write(content[:len(content) // 2])
        process.stdin.flush()
        self.assertTrue(wait_until(lambda: is_locked(store / "LOCK")))
        self.assertFalse(wait_until(lambda: process.poll() is not None, seconds=0.2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertEqual(before, self.content(store))

    def test_at_any_moment(self):
        base = self.store_of(self.capture(connections([(request("GET", "/v1/users"), OK)])))
        capture = self.capture(busy_traffic(hosts=20, users=40), "more.pcap")
        before, finished = self.content(base), self.copy(base, "finished")
        self.specular("analyze", "--store", finished, capture)
        after = self.content(finished)
        self.assertNotEqual(before, after)
        step, outcomes = self.time_of(base, capture) / 20, set()
        for number in range(24):
            store = self.copy(base, f"killed{number}")
            self.kill_after(step * (number + 1), store, capture)
            content = self.content(store)
            self.assertIn(content, (before, after), f"killed after {number + 1} of 20 parts of its time")
            outcomes.add(content == after)
            if number >= 20 and True not in outcomes:
                step *= 2
        self.assertEqual({False, True}, outcomes, "some were killed before the commit, and some after it")

    def test_a_store_that_was_killed_takes_more(self):
        base = self.store_of(self.capture(connections([(request("GET", "/v1/users"), OK)])))
        process = self.start("analyze", "-", "--store", base)
        self.assertTrue(wait_until(lambda: is_locked(base / "LOCK")))
        process.kill()
        process.communicate()
        self.analyze(base, connections([(request("GET", "/v1/users"), OK)], at=START + SECOND))
        self.assertEqual([2], [e["requests"] for e in self.listed(base)])

    def test_a_store_of_which_there_was_but_the_lock_can_be_made(self):
        place = self.file("new/LOCK", "").parent
        self.analyze(place, connections([(request("GET", "/v1/users"), OK)]))
        self.assertEqual(["/v1/users"], [e["path"] for e in self.listed(place)])

    def copy(self, store, name):
        copied = self.folder / name
        copied.mkdir()
        for file in store.iterdir():
            (copied / file.name).write_bytes(file.read_bytes())
        return copied

    def time_of(self, base, capture):
        store, begin = self.copy(base, "timed"), time.monotonic()
        run("analyze", "--store", store, capture)
        return time.monotonic() - begin

    def kill_after(self, seconds, store, capture):
        process = self.start("analyze", capture, "--store", store)
        wait_until(lambda: process.poll() is not None, seconds)
        process.kill()
        process.communicate()


if __name__ == "__main__":
    unittest.main()
