"""Interfaces that go away and come back, that glue packets, that are several, and that are not there."""
import time

import lab
import wire
from lab import wait_until
from live_test import DOWNLOADS, GROUPED, ORDERS, USERS
from sensor import LabTest, WireTest, settings


class ComesAndGoes(LabTest):
    def start(self, **sections):
        return self.sensor(settings("mirror", **{"tunnels": GROUPED, **sections})).start()

    def interface_state(self, sensor):
        return sensor.status()["interfaces"][0]["state"]

    def seen(self, sensor):
        return self.summary(sensor).get(("shop", "GET", USERS + "{}"), 0)

    def calls_until_seen(self, sensor, more_than):
        """Calls until a call shows up: the sensor may take a moment to notice that the interface is back."""
        def called():
            self.lab.curl(USERS + "5")
            return self.seen(sensor) > more_than
        self.holds(called, "nothing is seen of the interface that came back")

    def test_set_down_and_up(self):
        for shards in (1, 2):
            sensor = self.sensor(settings("mirror", tunnels=GROUPED, shards=shards), name=f"store-{shards}").start()
            self.lab.curl(*(USERS + str(n) for n in range(10)))
            self.settles(lambda s=sensor: self.seen(s), 10)
            self.lab.sensor.ip("link", "set", "mirror", "down")
            self.settles(lambda s=sensor: self.interface_state(s), "down")
            self.assertTrue(sensor.waits_for("warning", "mirror"), sensor.log())
            self.lab.sensor.ip("link", "set", "mirror", "up")
            self.lab.address_sensor()
            self.settles(lambda s=sensor: self.interface_state(s), "up")
            self.calls_until_seen(sensor, 10)
            self.assertEqual(0, sensor.stop())

    def test_deleted_and_made_again(self):
        for shards in (1, 2):
            sensor = self.sensor(settings("mirror", tunnels=GROUPED, shards=shards), name=f"store-{shards}").start()
            self.lab.curl(*(USERS + str(n) for n in range(10)))
            self.settles(lambda s=sensor: self.seen(s), 10)
            self.lab.sensor.ip("link", "del", "mirror")
            self.settles(lambda s=sensor: self.interface_state(s), "down")
            self.lab.mirror()
            self.settles(lambda s=sensor: self.interface_state(s), "up")
            self.calls_until_seen(sensor, 10)
            # What is called from now on, apart from what may still be on its way, is counted as ever.
            self.lab.curl(*(ORDERS + str(n) for n in range(20)))
            self.settles(lambda s=sensor: self.summary(s).get(("shop", "GET", ORDERS + "{}")), 20)
            self.assertEqual(0, sensor.stop())

    def test_it_still_does_not_answer_when_it_is_back(self):
        sensor = self.start()
        self.lab.sensor.ip("link", "del", "mirror")
        self.settles(lambda: self.interface_state(sensor), "down")
        self.lab.mirror()
        self.settles(lambda: self.interface_state(sensor), "up")
        silence = lab.Silence(self.lab.sensor, "mirror")
        self.addCleanup(silence.close)
        self.calls_until_seen(sensor, 0)
        self.assertEqual([], silence.broken_by())

    def test_an_interface_that_is_not_there(self):
        sensor = self.sensor(settings("nosuch0"))
        sensor.start(wait=False)
        self.assertTrue(wait_until(lambda: not sensor.alive(), 60), "it runs")
        self.assertEqual(1, sensor.process.returncode, sensor.log())
        self.assertTrue(sensor.says("nosuch0"), sensor.log())
        sensor.killed = True  # as it should


class Glued(LabTest):
    """Segmentation offload on: the mirror delivers packets larger than any wire carries."""

    def test_glued_packets_are_read_and_told(self):
        for namespace in (self.lab.client, self.lab.server):
            for name in ("front", f"vx{lab.CLIENT_VNI}", f"vx{lab.SERVER_VNI}", "mirror"):
                namespace.run("ethtool", "-K", name, "tx", "on", "tso", "on", "gso", "on", "gro", "on", check=False)
        self.lab.sensor.run("ethtool", "-K", "mirror", "gro", "on", check=False)
        sensor = self.sensor(settings("mirror", tunnels=GROUPED)).start()
        for number in range(3):
            self.lab.curl(DOWNLOADS + str(number))
        self.settles(lambda: sensor.status()["totals"]["transactions"], 3)
        self.settles(lambda: [sensor.total()[key] for key in ("complete", "lost_bytes")], [3, 0])
        self.assertGreater(sensor.status()["interfaces"][0]["glued_frames"], 0)
        self.assertTrue(sensor.says("warning", "mirror"), sensor.log())


class ByHand(WireTest):
    def frames(self, client="10.1.0.1:40000", calls=1):
        talk = wire.Conversation(client, "10.1.0.2:80").open()
        for _ in range(calls):
            talk.call(wire.request("GET", "/v1/users/7"), wire.response(200, b'{"id":7}'))
        return [frame.data for frame in wire.in_vxlan(talk.close().frames, 5)]

    def test_a_connection_that_arrives_at_two_interfaces(self):
        lab.connect(self.sender, "second", self.sensor_namespace, mtu=9000)
        sockets = [lab.packet_socket(self.sender, name) for name in ("mirror", "second")]
        for made in sockets:
            self.addCleanup(made.close)
        for shards in (1, 2):
            sensor = self.sensor(settings("mirror", "second", shards=shards), name=f"store-{shards}").start()
            for number, frame in enumerate(self.frames(calls=20)):
                sockets[number % 2].send(frame)
                time.sleep(0.002)  # the pace of the wire; each comes by a ring of its own
            self.settles(lambda s=sensor: [s.total()[key] for key in ("transactions", "complete", "lost_bytes")],
                         [20, 20, 0])
            self.assertEqual(["mirror", "second"], [i["interface"] for i in sensor.status()["interfaces"]])
            self.assertTrue(all(i["frames"] > 0 for i in sensor.status()["interfaces"]), sensor.status())
            self.assertEqual(0, sensor.stop())

    def test_clipped_frames_are_told(self):
        config = settings("mirror")
        config["sources"]["snap_length"] = 150
        sensor = self.sensor(config).start()
        with lab.packet_socket(self.sender, "mirror") as out:
            for frame in self.frames("10.1.0.9:40000"):
                out.send(frame)
        self.holds(lambda: sensor.total()["clipped_bytes"] > 0, "nothing is said to be clipped")
        self.assertGreater(sensor.status()["interfaces"][0]["clipped_frames"], 0)
        self.assertTrue(sensor.says("warning", "mirror"), sensor.log())

    def test_a_filter(self):
        config = settings("mirror")
        config["sources"]["filter"] = "udp port 4790"
        sensor = self.sensor(config).start()
        with lab.packet_socket(self.sender, "mirror") as out:
            for frame in self.frames("10.1.0.10:40000"):
                out.send(frame)
        with lab.packet_socket(self.sender, "mirror") as out:  # this one passes, and is no tunnel that is known
            out.send(wire.ethernet(wire.udp_packet("192.0.2.1:5", "192.0.2.2:4790", b"x")))
        self.holds(lambda: sensor.status()["totals"]["frames"] >= 1, "nothing passes the filter")
        self.assertEqual([1, 0], [sensor.status()["totals"][key] for key in ("frames", "transactions")])
