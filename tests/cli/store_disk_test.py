"""Stores on disks that are read-only or full. The tests mount these disks, which takes root."""
import subprocess
import unittest

from harness import CommandTest
from store_test import READERS, busy_traffic
from wire import SECOND, START, connections, request, response

OK = response()
USERS = [(request("GET", "/v1/users"), OK)]


class MountTest(CommandTest):
    def mount(self, *arguments):
        """A folder with something mounted on it; skips the test where that is not allowed."""
        place = self.folder / "disk"
        place.mkdir(exist_ok=True)
        done = subprocess.run(["mount", *arguments, str(place)], stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            self.skipTest(f"mounting is not possible here: {done.stderr.decode().strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(place)], check=False)
        return place

    def remount(self, place, options):
        done = subprocess.run(["mount", "-o", f"remount,{options}", str(place)], stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            self.skipTest(f"remounting is not possible here: {done.stderr.decode().strip()}")

    def tmpfs(self, size):
        return self.mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs")


class ReadOnly(MountTest):
    def read_only(self, frames):
        """The same store on a disk that can be written, and on one that cannot."""
        place = self.tmpfs("64m")
        self.specular("analyze", "--store", place / "store", self.capture(frames))
        expected = [self.specular(*c, "--store", place / "store").out for c in READERS]
        self.remount(place, "ro")
        return place / "store", expected

    def test_everything_can_be_read(self):
        store, expected = self.read_only(connections(USERS))
        self.assertEqual(expected, [self.specular(*c, "--store", store).out for c in READERS])
        self.assertIn("/v1/users", expected[0])

    def test_a_store_of_several_runs_can_be_read(self):
        place = self.tmpfs("64m")
        for i in range(3):
            self.specular("analyze", "--store", place / "store",
                          self.capture(connections(USERS, at=START + i * SECOND)))
        self.remount(place, "ro")
        self.assertEqual([3], [e["requests"] for e in self.listed(place / "store")])

    def test_writing_is_refused_in_one_line(self):
        store, expected = self.read_only(connections(USERS))
        result = self.specular("analyze", "--store", store, self.capture(busy_traffic(users=2)), status=1)
        self.one_line(result, store, "ead-only")
        self.assertEqual(expected, [self.specular(*c, "--store", store).out for c in READERS])

    def test_a_new_store_is_refused_in_one_line(self):
        store, _ = self.read_only(connections(USERS))
        place = store.parent / "new"
        self.one_line(self.specular("analyze", "--store", place, self.capture([]), status=1), place, "ead-only")

    def test_documents_cannot_be_written_either(self):
        store, _ = self.read_only(connections(USERS))
        place = store.parent / "docs"
        result = self.specular("openapi", "export", "-o", f"{place}/", "--store", store, status=1)
        self.one_line(result, place, "ead-only")


class Full(MountTest):
    def test_a_disk_that_is_full_at_once(self):
        place = self.tmpfs("4k")
        result = self.specular("analyze", "--store", place / "store", self.capture(busy_traffic()), status=1)
        self.one_line(result, place / "store", "No space left")

    def test_a_disk_that_fills_up_in_the_commit(self):
        place = self.tmpfs("256k")
        store = place / "store"
        self.specular("analyze", "--store", store, self.capture(connections(USERS)))
        before = self.listed(store)
        for attempt in range(2):
            result = self.specular("analyze", "--store", store, self.capture(busy_traffic(hosts=60, users=30)),
                                   status=1)
            self.one_line(result, store, "No space left")
            self.assertEqual(before, self.listed(store))
        self.assertEqual([1], [e["requests"] for e in before])

    def test_the_store_goes_on_when_there_is_room_again(self):
        place, more = self.tmpfs("256k"), self.capture(busy_traffic(hosts=60, users=30), "more.pcap")
        small = self.capture(connections(USERS))
        self.specular("analyze", "--store", place / "store", small)
        self.specular("analyze", "--store", place / "store", more, status=1)
        self.remount(place, "size=64m")
        self.specular("analyze", "--store", place / "store", more)
        expected = self.store_of(small)
        self.specular("analyze", "--store", expected, more)
        self.assertEqual(self.listed(expected), self.listed(place / "store"))

    def test_disks_of_every_size(self):
        capture = self.capture(busy_traffic(hosts=3, users=20))
        expected = self.listed(self.store_of(capture))
        place, statuses = self.tmpfs("1m"), []
        for pages in range(1, 60, 3):
            self.remount(place, f"size={pages * 4}k")
            store = place / "store"
            result = self.specular("analyze", "--store", store, capture, status=None)
            statuses.append(result.status)
            if result.status == 0:
                self.assertEqual(expected, self.listed(store))
            else:
                self.one_line(result, store)
                self.assertEqual(1, result.status)
            subprocess.run(["rm", "-rf", str(store)], check=True)
        self.assertEqual({0, 1}, set(statuses))

    def test_documents_on_a_full_disk(self):
        store, place = self.store_of(self.capture(busy_traffic(users=20))), self.tmpfs("8k")
        result = self.specular("openapi", "export", "-o", place / "docs", "--store", store, status=1)
        self.one_line(result, place, "No space left")

    def test_a_store_that_could_not_be_made_is_made_when_there_is_room(self):
        place, capture = self.tmpfs("4k"), self.capture(connections(USERS))
        self.specular("analyze", "--store", place / "store", capture, status=1)
        self.remount(place, "size=64m")
        self.specular("analyze", "--store", place / "store", capture)
        self.assertEqual([1], [e["requests"] for e in self.listed(place / "store")])

    def test_the_reason_does_not_depend_on_the_name_of_the_folder(self):
        place = self.tmpfs("4k")
        result = self.specular("analyze", "--store", place / "clock", self.capture(busy_traffic()), status=1)
        self.one_line(result, place / "clock", "No space left")


if __name__ == "__main__":
    unittest.main()
