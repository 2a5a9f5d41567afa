"""More than the sensor can read: it drops whole flows, says so everywhere, stays within its memory, and recovers."""
import json
import time

import lab
import wire
from sensor import WireTest, settings

MIB = 1 << 20
SECONDS = 12
# The daemon gets one processor together with the sender, and the smaller part of it.
SLOW = ("taskset", "-c", "0", "nice", "-n", "5")


class Overload(WireTest):
    alone = True

    def start(self, **sections):
        config = settings("mirror", health={"loss_seconds": 3, "loss_percent": 5}, **sections)
        config["sources"]["ring_mb"] = 4
        return self.sensor(config).start(before=SLOW)

    def watch(self, sensor, blaster):
        """Looks at it until the sender has ended: status, resident bytes and health, a few times a second."""
        seen = []
        while blaster.poll() is None:
            seen.append((sensor.status(), sensor.resident(), sensor.health()))
            time.sleep(0.2)
        return seen

    def kept(self, status):
        return min(shard["kept_share"] for shard in status["shards"])

    def read_up(self, sensor):
        """Waits until nothing is left in rings and queues, and returns the totals."""
        seen = [None]

        def rests():
            before, seen[0] = seen[0], sensor.status()["totals"]
            return before == seen[0]
        self.holds(rests, "it never comes to rest")
        return seen[0]

    def sent_by(self, blaster):
        return json.loads(blaster.communicate(timeout=60)[0])["packets"]

    def test_four_times_what_it_can_do(self):
        limit = 1024
        sensor = self.start(memory_mb=limit)
        capture = self.mix("json", 20_000)
        blaster = self.blaster(capture, 0, SECONDS)
        seen = self.watch(sensor, blaster)
        sent = self.sent_by(blaster)
        settled = seen[len(seen) // 2:]
        self.assertLess(max(self.kept(status) for status, _, _ in settled), 0.25, "this was not four times too much")
        self.assertLess(max(resident for _, resident, _ in seen), limit * MIB)
        self.assertIn(503, [health for _, _, health in settled])

        totals = self.read_up(sensor)
        lost = totals["kernel_dropped_frames"] + totals["interface_dropped_frames"]
        self.assertEqual(sent, totals["frames"] + lost, "packets that nobody counted")
        self.assertGreater(totals["shed_packets"], sent / 2)
        self.assertEqual(totals["shed_packets"], sensor.metric("specular_shed_packets_total"))
        self.settles(lambda: sensor.total()["shed_packets"], totals["shed_packets"])
        self.settles(lambda: sensor.counters().get("kernel_dropped_frames", 0), totals["kernel_dropped_frames"])
        self.assertTrue(sensor.says("warning", "overload"), sensor.log())
        self.assertTrue(any(status["rates"]["shed_per_s"] > 0 for status, _, _ in settled))
        self.complete(sensor)
        self.recovers(sensor)

    def complete(self, sensor):
        total = sensor.total()
        self.assertGreater(total["transactions"], 1000)
        self.assertGreater(total["complete"] / total["transactions"], 0.97, total)

    def recovers(self, sensor):
        """By itself: all is looked at again, it says so, and then nothing is missing."""
        self.holds(lambda: self.kept(sensor.status()) == 1, "it goes on shedding", 60)
        self.assertTrue(sensor.waits_for("info", "overload has ended"), sensor.log())
        self.settles(sensor.health, 200)
        before = sensor.total()
        calls = [(wire.request("GET", f"/v1/users/{n}"), wire.response(200, b'{"id":7}')) for n in range(300)]
        with lab.packet_socket(self.sender, "mirror") as out:
            for frame in wire.in_vxlan(wire.connections(calls, client="10.9.0.1"), 9):
                out.send(frame.data)
                time.sleep(0.0005)  # far from too much
        self.settles(lambda: sensor.total()["complete"] - before["complete"], 300)
        after = sensor.total()
        self.assertEqual(300, after["transactions"] - before["transactions"])
        self.assertEqual(before["shed_packets"], after["shed_packets"])

    def test_memory_stays_within_its_limit(self):
        """Ever more connections that stay open, which is what takes memory."""
        first = self.sensor(settings("mirror"), name="first").start()
        limit = first.resident() // MIB + 64
        self.assertEqual(0, first.stop())
        sensor = self.start(memory_mb=limit)
        seen = self.watch(sensor, self.blaster(self.mix("idle", 100_000), 0, SECONDS))
        self.assertLess(max(resident for _, resident, _ in seen), limit * MIB)
        self.assertLess(min(self.kept(status) for status, _, _ in seen), 1, "memory was never scarce")
        self.assertEqual({limit * MIB}, {status["memory_limit_bytes"] for status, _, _ in seen})

    def test_with_shards(self):
        for spread in ("fanout", "dispatch"):
            config = settings("mirror", shards=2)
            config["sources"].update(ring_mb=4, spread=spread)
            sensor = self.sensor(config, name=spread).start(before=SLOW)
            blaster = self.blaster(self.mix("small", 20_000), 0, 6)
            self.watch(sensor, blaster)
            sent = self.sent_by(blaster)
            totals = self.read_up(sensor)
            lost = totals["kernel_dropped_frames"] + totals["interface_dropped_frames"]
            self.assertEqual(sent, totals["frames"] + lost, spread)
            self.assertGreater(totals["shed_packets"], 0, spread)
            self.assertTrue(sensor.says("warning", "overload"), sensor.log())
            total = sensor.total()
            self.assertGreater(total["complete"] / total["transactions"], 0.9, total)
            self.assertEqual(0, sensor.stop(), sensor.log())
