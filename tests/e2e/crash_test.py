"""Killed at any moment, and a disk that is full: what was committed is there, and counts once."""
import random
import shutil
import subprocess
import threading

import lab
from live_test import GROUPED, ORDERS, USERS
from sensor import LabTest, settings

ROUTE = ("shop", "GET", USERS + "{}")


class CrashTest(LabTest):
    def config(self):
        return settings("mirror", tunnels=GROUPED)

    def requests(self, sensor):
        return self.summary(sensor).get(ROUTE, 0)

    def committed(self, sensor):
        """Waits until all that it knows now is durable."""
        before = sensor.status()["store"]["commits"]
        known = self.requests(sensor)
        # One commit may have been on its way; a quiet daemon commits no more than there is to be.
        self.lab.curl("/nothing")
        self.holds(lambda: sensor.status()["store"]["commits"] > before, "nothing is committed")
        self.lab.curl("/nothing")
        self.holds(lambda: sensor.status()["store"]["commits"] > before + 1, "nothing is committed")
        return known


class Killed(CrashTest):
    def test_what_was_committed_is_there(self):
        sensor = self.sensor(self.config()).start()
        self.lab.curl(*(USERS + str(n) for n in range(30)))
        self.settles(lambda: self.requests(sensor), 30)
        self.assertEqual(30, self.committed(sensor))
        sensor.kill()
        self.assertEqual(30, self.requests(sensor), "the store at rest")
        sensor.start()
        self.assertEqual(30, self.requests(sensor), "after the restart")
        self.lab.curl(*(USERS + str(n) for n in range(12)))
        self.settles(lambda: self.requests(sensor), 42)
        self.assertEqual(0, sensor.stop())
        self.assertEqual(42, self.requests(sensor))

    def test_at_random_moments_under_load(self):
        """Never less than was durable, never more than was called."""
        seed = random.randrange(10**6)
        chance = random.Random(seed)
        sensor = self.sensor(self.config()).start()
        stopping = threading.Event()
        caller = threading.Thread(target=self.call_until, args=(stopping,))
        caller.start()
        self.addCleanup(caller.join)
        self.addCleanup(stopping.set)
        for _ in range(6):
            durable = self.watch(sensor, chance.uniform(0.3, 2.5))
            sensor.kill()
            called = len(self.calls())
            kept = self.requests(sensor)
            self.assertLessEqual(durable, kept, f"seed {seed}: something durable is lost")
            self.assertLessEqual(kept, called, f"seed {seed}: something counts twice")
            sensor.start()
            self.assertEqual(kept, self.requests_at_start(sensor, kept), f"seed {seed}")
        stopping.set()
        caller.join()
        self.assertEqual(0, sensor.stop())
        self.assertLessEqual(self.requests(sensor), len(self.calls()), f"seed {seed}")
        self.assertGreater(self.requests(sensor), 0)

    def requests_at_start(self, sensor, kept):
        """Traffic goes on while it starts: what is there at once is at least what was kept."""
        return kept if self.requests(sensor) >= kept else self.requests(sensor)

    def call_until(self, stopping):
        while not stopping.is_set():
            self.lab.curl(*(USERS + str(n) for n in range(20)))

    def watch(self, sensor, seconds):
        """How many requests were durable for sure when the time was over: known two commits ago."""
        seen = []
        end = threading.Event()
        timer = threading.Timer(seconds, end.set)
        timer.start()
        while not end.is_set():
            requests = self.requests(sensor)
            seen.append((sensor.status()["store"]["commits"], requests))
        timer.join()
        last = seen[-1][0] if seen else 0
        return max((requests for commits, requests in seen if commits + 2 <= last), default=0)


class DiskTest(CrashTest):
    alone = True  # others should not meet a machine without memory

    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(self.disk)],
                              stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            self.skipTest(f"mounting is not possible here: {done.stderr.decode().strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.disk)], check=False)

    def fill(self, leave=0):
        """Nothing more can be written, but for some bytes."""
        filler = self.disk / "filler"
        with open(filler, "ab", buffering=0) as file:
            try:
                while leave == 0 or shutil.disk_usage(self.disk).free > leave:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        return filler

    def start(self):
        # Not enough for the log to have its place reserved, so that each commit has to find its own.
        self.fill(leave=2 << 20)
        sensor = self.sensor(self.config(), name="disk/store")
        sensor.log_file = self.folder / "log"
        sensor.start()
        self.lab.curl(*(USERS + str(n) for n in range(20)))
        self.settles(lambda: self.requests(sensor), 20)
        self.committed(sensor)
        return sensor

    def fails(self, sensor):
        """It cannot commit, says so, and goes on learning."""
        self.lab.curl(*(USERS + str(n) for n in range(15)))
        # More than the last page of the log has room for.
        for number in range(24):
            self.lab.curl(ORDERS + "1", host=f"host-{number}.test")
        self.holds(lambda: sensor.status()["store"]["failing"] is not None, "the disk is said to be well")
        self.assertTrue(sensor.waits_for("error"), sensor.log())
        self.lab.curl(*(USERS + str(n) for n in range(5)))
        self.settles(lambda: self.requests(sensor), 40)

    def recovers(self, sensor):
        self.settles(lambda: sensor.status()["store"]["failing"], None)
        self.lab.curl(*(USERS + str(n) for n in range(10)))
        self.settles(lambda: self.requests(sensor), 50)
        self.assertEqual(0, sensor.stop(), sensor.log())
        self.assertEqual(50, self.requests(sensor))


class Full(DiskTest):
    def test_it_recovers_when_there_is_room(self):
        sensor = self.start()
        filler = self.fill()
        self.fails(sensor)
        filler.unlink()
        self.recovers(sensor)

    def test_killed_while_it_is_full(self):
        sensor = self.start()
        filler = self.fill()
        self.fails(sensor)
        sensor.kill()
        filler.unlink()
        self.assertIn(self.requests(sensor), range(20, 41))
        sensor.start()
        kept = self.requests(sensor)
        self.lab.curl(*(USERS + str(n) for n in range(10)))
        self.settles(lambda: self.requests(sensor), kept + 10)

    def test_ended_while_it_is_full(self):
        """It tries for a while, tells what is lost, and ends with 1; what was durable stays."""
        sensor = self.start()
        filler = self.fill()
        self.fails(sensor)
        self.assertEqual(1, sensor.stop(), sensor.log())
        sensor.killed = True  # as it should
        self.assertTrue(sensor.says("lost"), sensor.log())
        filler.unlink()
        self.assertIn(self.requests(sensor), range(20, 40))
