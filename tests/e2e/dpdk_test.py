"""The same laboratory, read by DPDK: virtual devices over the sensor's interface, without huge pages.

net_af_packet is a port as any other, with one queue; net_pcap over an interface is one that says how much it missed.
"""
import json
import os
import re
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import harness
import lab
from lab import Silence
from sensor import SPECULARD, LabTest, SensorTest, WireTest, settings

CAP_NET_RAW = 1 << 13
GROUPED = {"groups": {"shop": [f"vxlan:{lab.CLIENT_VNI}", f"vxlan:{lab.SERVER_VNI}"]}}
USERS = "/api/v1/users/"
# This driver loses what does not fit into its ring, and tells nobody.
KERNEL_PORT = "net_af_packet0,iface=mirror,framecnt=8192"


def dpdk_settings(*ports, eal=("--no-huge", "-m", "128"), **sections):
    config = settings(**sections)
    config["sources"]["dpdk"] = {"ports": list(ports), "eal": list(eal)}
    return config


def refusal(config, *arguments, before=()):
    """Exit status and complaint of a daemon that does not start."""
    with tempfile.TemporaryDirectory(prefix="specular-dpdk-") as folder:
        path = Path(folder) / "speculard.yaml"
        path.write_text(json.dumps(config), encoding="utf-8")
        done = subprocess.run([*before, SPECULARD, "--store", Path(folder) / "store", "--config", path, *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=harness.environment(), check=False,
                              timeout=60)
        return done.returncode, done.stdout.decode(), done.stderr.decode()


def absent():
    """Why there is no DPDK; empty if there is."""
    return "" if refusal(dpdk_settings("net_null0"), "--check")[0] == 0 else "speculard was built without DPDK"


ABSENT = absent()


class Calls(LabTest):
    def setUp(self):
        if ABSENT:
            self.skipTest(ABSENT)
        super().setUp()

    def start(self, **sections):
        return self.sensor(dpdk_settings(KERNEL_PORT, **{"tunnels": GROUPED, **sections})).start()

    def port(self, sensor):
        return sensor.status()["interfaces"][0]

    def test_each_call_is_counted_once(self):
        sensor = self.start()
        self.assertEqual(["net_af_packet0", "up", "single", 1],
                         [self.port(sensor)[key] for key in ("interface", "state", "spread", "queues")])
        total = self.counted(sensor, "shop", self.shop())
        self.assertGreater(total["counters"]["received_frames"], 100)

    def test_over_shards_it_is_the_same(self):
        """One queue for two shards and four: packets are handed over in their buffers."""
        for shards in (2, 4):
            self.called_before = len(self.lab.calls())
            config = dpdk_settings(KERNEL_PORT, tunnels=GROUPED, shards=shards)
            sensor = self.sensor(config, name=f"of-{shards}").start()
            self.assertEqual("dispatch", self.port(sensor)["spread"])
            self.assertTrue(sensor.says("warning", "one thread reads instead"), sensor.log())
            connections = self.shop(12)
            self.holds(lambda s=sensor: sum(shard["opened_flows"] > 0 for shard in s.status()["shards"]) > 1,
                       "one shard has all the work")
            self.counted(sensor, "shop", connections)

    def test_beside_an_interface_of_the_kernel(self):
        """Both see the same frames here, so that each connection is there twice: still it counts once."""
        config = dpdk_settings(KERNEL_PORT, tunnels=GROUPED, shards=2)
        config["sources"]["interfaces"] = ["mirror"]
        sensor = self.sensor(config).start()
        self.assertEqual({("mirror", "dispatch"), ("net_af_packet0", "dispatch")},
                         {(i["interface"], i["spread"]) for i in sensor.status()["interfaces"]})
        self.counted(sensor, "shop", self.shop())

    def test_large_bodies(self):
        sensor = self.start(shards=2)
        self.lab.curl("/api/v1/downloads/1", "/api/v1/downloads/2", options=("--limit-rate", "4M"))
        self.settles(lambda: [sensor.total()[key] for key in ("transactions", "complete", "lost_bytes")], [2, 2, 0])
        self.assertEqual(0, sensor.stop(), sensor.log())

    def test_the_end_in_the_middle_of_load(self):
        sensor = self.start(shards=2)
        load = self.lab.client.start("wrk", "-t1", "-c4", "-d8s", "-H", "Host: api.test",
                                     f"http://{lab.SERVER}{USERS}1", stdout=subprocess.DEVNULL)
        self.addCleanup(load.wait)
        self.holds(lambda: sensor.status()["totals"]["transactions"] > 100, "no load")
        self.assertEqual(0, sensor.stop(), sensor.log())
        self.assertFalse(sensor.says("error:"), sensor.log())
        self.assertIsNone(load.poll(), "the load had ended before")
        self.assertGreater(sensor.total()["transactions"], 100)

    def test_nothing_leaves(self):
        sensor = self.start()
        silence = Silence(self.lab.sensor, "mirror")
        self.addCleanup(silence.close)
        for number in range(20):
            self.lab.curl(USERS + str(number))
        self.holds(lambda: sensor.status()["totals"]["transactions"] >= 20, "nothing is seen")
        self.assertEqual([], silence.broken_by())

    def test_quiet_it_costs_little(self):
        sensor = self.start()
        fields = Path(f"/proc/{sensor.process.pid}/stat")

        def used():
            return sum(map(int, fields.read_text(encoding="ascii").rpartition(")")[2].split()[11:13]))
        before, seconds = used(), 4
        time.sleep(seconds)
        share = (used() - before) / os.sysconf("SC_CLK_TCK") / seconds
        self.assertLess(share, 0.5, "a quiet port keeps a core busy")

    def test_no_thread_keeps_a_privilege(self):
        for user in ("nobody", None):
            store = self.folder / f"store-{user}"
            if user:
                store.mkdir()
                os.chown(store, 65534, 65534)
            sensor = self.sensor(dpdk_settings(KERNEL_PORT, tunnels=GROUPED), name=store.name, user=user).start()
            for thread in Path(f"/proc/{sensor.process.pid}/task").iterdir():
                text = (thread / "status").read_text(encoding="ascii")
                self.assertIn(int(re.search(r"CapEff:\t(\w+)", text)[1], 16), (0, CAP_NET_RAW), (user, text))
                self.assertIn("NoNewPrivs:\t1", text)
                if user:
                    self.assertIn("Uid:\t65534\t65534\t65534\t65534", text)
            self.lab.curl(USERS + "1")
            self.holds(lambda s=sensor: s.status()["totals"]["transactions"] == 1, f"nothing is seen as {user}")
            self.assertEqual(0, sensor.stop(), sensor.log())


class Refusals(SensorTest):
    """A start that fails says why, in words for people."""

    def setUp(self):
        if ABSENT:
            self.skipTest(ABSENT)
        super().setUp()

    def refused(self, config, status, *words):
        code, out, said = refusal(config)
        self.assertEqual(status, code, said)
        self.assertEqual("", out)
        self.assertTrue(any(line.startswith("speculard: ") and all(word in line for word in words)
                            for line in said.splitlines()), said)

    def test_a_port_that_is_not_there(self):
        self.refused(dpdk_settings("0000:7f:1f.7"), 1, "0000:7f:1f.7", "dpdk-devbind.py")

    def test_a_driver_that_is_not_there(self):
        self.refused(dpdk_settings("net_nobody0"), 1, "net_nobody0")

    def test_a_wrong_argument(self):
        self.refused(dpdk_settings("net_null0", eal=("--no-huge", "--frobnicate")), 1, "DPDK does not start")

    @unittest.skipIf(Path("/proc/sys/vm/nr_hugepages").read_text(encoding="ascii") != "0\n", "there are huge pages")
    def test_no_huge_pages(self):
        self.refused(dpdk_settings("net_null0", eal=()), 1, "huge pages", "--no-huge")

    def test_too_little_memory(self):
        config = dpdk_settings("net_null0")
        config["sources"]["dpdk"]["buffers"] = 1_000_000
        self.refused(config, 1, "buffers", "-m")

    def test_a_port_that_must_spread_and_cannot(self):
        config = dpdk_settings("net_null0", shards=2)
        config["sources"]["spread"] = "fanout"
        self.refused(config, 1, "spread")

    def test_what_does_not_go_together(self):
        config = dpdk_settings("net_null0", shards=2)
        config["sources"].update(spread="fanout", interfaces=["lo"])
        self.refused(config, 2, "sources.spread")
        config = dpdk_settings("net_null0")
        config["sources"]["filter"] = "tcp"
        self.refused(config, 2, "sources.filter")


class Absent(unittest.TestCase):
    def test_without_dpdk_its_ports_are_refused(self):
        if not ABSENT:
            self.skipTest("speculard was built with DPDK")
        status, _, said = refusal(dpdk_settings("net_null0"), "--check")
        self.assertEqual(2, status, said)
        self.assertIn("sources.dpdk.ports", said)
        self.assertIn("without DPDK", said)


class Overload(WireTest):
    alone = True

    def setUp(self):
        if ABSENT:
            self.skipTest(ABSENT)
        super().setUp()

    def test_what_the_port_missed_is_told(self):
        """More than one processor can do, shared with the sender: all that was sent is there, missed, or shed."""
        config = dpdk_settings("net_pcap0,iface=mirror", health={"loss_seconds": 3}, shards=2)
        sensor = self.sensor(config).start(before=("taskset", "-c", "0", "nice", "-n", "5"))
        sent = self.blast(self.mix("small", 20_000), 0, 8)["packets"]
        seen = [None]

        def rests():
            before, seen[0] = seen[0], sensor.status()["totals"]
            return before == seen[0]
        self.holds(rests, "it never comes to rest")
        totals = seen[0]
        self.assertGreater(totals["missed_frames"], 0)
        self.assertEqual(sent, totals["frames"] + totals["missed_frames"])
        self.assertEqual(totals["missed_frames"], sensor.metric("specular_missed_frames_total"))
        self.settles(lambda: sensor.counters().get("missed_frames"), totals["missed_frames"])
        self.assertGreater(totals["shed_packets"], 0)
        self.assertTrue(sensor.says("warning", "overload"), sensor.log())
        total = sensor.total()
        self.assertGreater(total["complete"] / total["transactions"], 0.9, total)
        self.assertEqual(0, sensor.stop(), sensor.log())
