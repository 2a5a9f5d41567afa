"""The drop folder: captures that appear in it are analysed in order, exactly once, whatever happens to the daemon."""
import os
import random
import time

import lab
import wire
from sensor import SensorTest
from wire import SECOND

HOUR = 3600 * SECOND
START = wire.START
CALL = (wire.request("GET", "/v1/users/7"), wire.response(200, b'{"id":7,"name":"x"}'))


def calls(count, number=0, at=START, host="api.test"):
    """Frames of so many connections with a call each; another `number` is other clients."""
    pair = (wire.request("GET", "/v1/users/7", host=host), CALL[1])
    return wire.connections([pair] * count, client=f"10.{number // 250}.{number % 250}.1", at=at)


class FolderTest(SensorTest):
    @classmethod
    def setUpClass(cls):
        lab.remove_leftovers()
        cls.namespace = lab.Namespace("folder")
        cls.addClassCleanup(cls.namespace.remove)

    def setUp(self):
        super().setUp()
        self.inbox = self.folder / "inbox"
        self.inbox.mkdir()

    def start(self, wait=True, **sources):
        config = {"sources": {"folder": str(self.inbox), "settle_seconds": 0, **sources},
                  "tunnels": {"only_tunnelled": False}, "storage": {"commit_seconds": 1}}
        return self.sensor(config, namespace=self.namespace).start(wait=wait)

    def drop(self, name, frames):
        """As a careful writer does it: under another name first."""
        return self.drop_bytes(name, wire.pcap(frames, nano=True))

    def drop_bytes(self, name, content):
        hidden, path = self.inbox / f".{name}", self.inbox / name
        hidden.write_bytes(content)
        os.rename(hidden, path)
        return path

    def done(self, sensor):
        folder = sensor.status()["folder"]
        return folder["done"], folder["failed"], folder["waiting"]

    def transactions(self, sensor):
        total = sensor.total()
        return total["transactions"], total["complete"]


class InOrder(FolderTest):
    def test_each_capture_is_analysed(self):
        sensor = self.start()
        for number in range(5):
            self.drop(f"{number}.pcap", calls(10, number, START + number * 60 * SECOND))
        self.settles(lambda: self.done(sensor), (5, 0, 0))
        self.settles(lambda: self.transactions(sensor), (50, 50))
        self.assertEqual(0, sensor.stop())
        self.assertEqual((50, 50), self.transactions(sensor))

    def test_connections_go_on_in_the_next_capture(self):
        """A capture that was rotated: in the order of packet time, whatever the files are called."""
        talk = wire.Conversation().open()
        for _ in range(40):
            talk.call(*CALL)
        frames = talk.close().frames
        cuts = [0, 31, 62, 93, len(frames)]
        for number, name in enumerate(("z", "c", "y", "a")):
            self.drop(f"{name}.pcap", frames[cuts[number]:cuts[number + 1]])
        sensor = self.start()
        self.settles(lambda: self.done(sensor), (4, 0, 0))
        self.assertEqual(0, sensor.stop())
        total = sensor.total()
        self.assertEqual([40, 40, 1, 0],
                         [total[key] for key in ("transactions", "complete", "connections", "lost_bytes")])

    def test_what_is_not_finished_is_left_alone(self):
        sensor = self.start()
        capture = wire.pcap(calls(3), nano=True)
        for name in (".hidden.pcap", "a.pcap.part", "b.pcap.tmp"):
            (self.inbox / name).write_bytes(capture)
        self.drop("c.pcap", calls(4, 1, START + 60 * SECOND))
        self.settles(lambda: self.transactions(sensor), (4, 4))
        os.rename(self.inbox / "a.pcap.part", self.inbox / "a.pcap")
        self.settles(lambda: self.transactions(sensor), (7, 7))

    def test_a_damaged_capture_holds_up_nothing(self):
        sensor = self.start()
        self.drop_bytes("bad.pcap", b"this is no capture at all")
        self.drop("good.pcap", calls(5))
        self.settles(lambda: self.done(sensor), (1, 1, 0))
        self.settles(lambda: self.transactions(sensor), (5, 5))
        self.assertTrue(sensor.says("bad.pcap"), sensor.log())

    def test_deleted_when_it_is_durable(self):
        sensor = self.start(after="delete")
        path = self.drop("a.pcap", calls(5))
        self.holds(lambda: not path.exists(), "it is still there")
        sensor.kill()
        self.assertEqual((5, 5), self.transactions(sensor))

    def test_the_same_name_with_other_content_is_another_capture(self):
        sensor = self.start()
        self.drop("a.pcap", calls(5))
        self.settles(lambda: self.transactions(sensor), (5, 5))
        self.drop("a.pcap", calls(3, 1, START + 60 * SECOND))
        self.settles(lambda: self.transactions(sensor), (8, 8))


class TimeJumps(FolderTest):
    """Packet time that jumps: by captures, since the machine's own clock is not to be touched."""

    def test_jumps_forward_and_back(self):
        times = [START, START + 3 * HOUR, START - 20 * HOUR, START + 24 * 365 * HOUR]
        frames = [frame for number, at in enumerate(times) for frame in calls(10, number, at)]
        self.drop("jumps.pcap", frames)
        sensor = self.start()
        self.settles(lambda: self.transactions(sensor), (40, 40))
        self.settles(lambda: sensor.counters().get("discontinuities"), 3)
        self.drop("later.pcap", calls(5, 9, times[-1] + 60 * SECOND))
        self.settles(lambda: self.transactions(sensor), (45, 45))
        self.assertEqual("running", sensor.state())
        self.assertEqual(200, sensor.health())

    def test_a_jump_ends_no_connection(self):
        """An open connection outlives a jump: it is a discontinuity, no mass expiry."""
        talk = wire.Conversation().open().call(*CALL)
        before = len(talk.frames)
        talk.wait(2 * HOUR).call(*CALL)
        for _ in range(20):
            talk.call(*CALL)
        frames = talk.close().frames
        self.assertGreater(before, 0)
        self.drop("jump.pcap", frames)
        sensor = self.start()
        self.settles(lambda: self.transactions(sensor), (22, 22))
        self.assertEqual(0, sensor.stop())
        self.assertEqual(1, sensor.total()["connections"])


class ExactlyOnce(FolderTest):
    def test_across_a_restart(self):
        sensor = self.start()
        self.drop("a.pcap", calls(10))
        self.settles(lambda: self.transactions(sensor), (10, 10))
        self.assertEqual(0, sensor.stop())
        self.drop("b.pcap", calls(10, 1, START + 60 * SECOND))
        sensor.start()
        self.settles(lambda: self.transactions(sensor), (20, 20))
        self.assertEqual(0, sensor.stop())
        sensor.start()
        self.settles(lambda: self.done(sensor)[2], 0)
        self.assertEqual((20, 20), self.transactions(sensor))

    def test_under_repeated_kill(self):
        seed = random.randrange(10**6)
        chance = random.Random(seed)
        sensor = self.start()
        files, each = 24, 15
        dropped = 0
        for _ in range(8):
            until = time.monotonic() + chance.uniform(0.05, 1.2)
            while time.monotonic() < until:
                if dropped < files:
                    self.drop(f"{dropped:03}.pcap", calls(each, dropped, START + dropped * 60 * SECOND))
                    dropped += 1
                time.sleep(chance.uniform(0, 0.15))
            sensor.kill()
            sensor.start(wait=chance.random() < 0.7)
        for number in range(dropped, files):
            self.drop(f"{number:03}.pcap", calls(each, number, START + number * 60 * SECOND))
        self.holds(lambda: sensor.state() == "running", f"seed {seed}")
        self.holds(lambda: self.transactions(sensor)[0] >= files * each, f"seed {seed}: {sensor.coverage()}")
        self.settles(lambda: self.done(sensor)[2], 0)
        self.assertEqual(0, sensor.stop())
        self.assertEqual((files * each, files * each), self.transactions(sensor), f"seed {seed}")
        ((_, requests),) = self.summary(sensor).items()
        self.assertEqual(files * each, requests, f"seed {seed}")
