"""nginx and curl, mirrored from both ends, captured live: each call is counted once, under the right network."""
import re
import signal
import subprocess

import lab

from lab import SERVER, Silence
from sensor import LabTest, settings

GROUPED = {"groups": {"shop": [f"vxlan:{lab.CLIENT_VNI}", f"vxlan:{lab.SERVER_VNI}"]}}
USERS, ORDERS, DOWNLOADS = (f"/api/v1/{name}/" for name in ("users", "orders", "downloads"))


class CountedOnce(LabTest):
    """Asked while it runs, and of the store when it has ended."""

    def spread(self, shards, spread):
        config = settings("mirror", tunnels=GROUPED, shards=shards)
        config["sources"]["spread"] = spread
        sensor = self.sensor(config).start()
        self.counted(sensor, "shop", self.shop())
        return sensor

    def test_with_one_shard(self):
        sensor = self.sensor(settings("mirror", tunnels=GROUPED)).start()
        self.assertEqual(["mirror", "up", "single"],
                         [sensor.status()["interfaces"][0][key] for key in ("interface", "state", "spread")])
        self.counted(sensor, "shop", self.shop())

    def test_with_two_shards_spread_by_the_kernel(self):
        self.spread(2, "fanout")

    def test_with_four_shards_spread_by_the_kernel(self):
        self.spread(4, "fanout")

    def test_with_two_shards_spread_by_a_receiver(self):
        self.spread(2, "dispatch")

    def test_with_four_shards_spread_by_a_receiver(self):
        self.spread(4, "dispatch")

    def test_every_shard_has_work(self):
        """Spreading that gave everything to one shard would count right, too."""
        for spread in ("fanout", "dispatch"):
            config = settings("mirror", tunnels=GROUPED, shards=2)
            config["sources"]["spread"] = spread
            sensor = self.sensor(config, name=spread).start()
            self.assertEqual(spread, sensor.status()["interfaces"][0]["spread"])
            # The kernel spreads by addresses alone: several clients.
            for last in range(16):
                self.lab.client.ip("addr", "replace", f"10.20.0.{110 + last}/24", "dev", "front")
                self.lab.curl(USERS + "1", options=("--interface", f"10.20.0.{110 + last}"))
            self.holds(lambda s=sensor: all(shard["opened_flows"] > 0 for shard in s.status()["shards"]), spread)
            self.assertEqual(2, len(sensor.status()["shards"]))
            self.assertEqual(0, sensor.stop())

    def test_outer_ports_of_the_directions_differ(self):
        """What makes the spreading above a test: outer headers say nothing of the connection."""
        capture = self.folder / "outer.pcap"
        tcpdump = self.lab.sensor.start("tcpdump", "-i", "mirror", "-U", "-w", capture, "udp", "port", "4789",
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        tcpdump.stderr.readline()  # listening
        self.lab.curl(USERS + "1")
        self.holds(lambda: capture.exists() and capture.stat().st_size > 3000, "nothing is mirrored")
        lab.end(tcpdump, signal.SIGINT)
        tcpdump.stderr.close()
        text = lab.run("tcpdump", "-nn", "-r", capture)
        ports = {}
        for outer, inner in re.findall(r"\.(\d+) > [\d.]+: VXLAN.*\n.*?IP ([\d.]+ > [\d.]+): Flags", text):
            ports.setdefault(inner, set()).add(outer)
        self.assertEqual(2, len(ports), text)
        one, other = ports.values()
        self.assertNotEqual(one, other, text)

    def test_without_groups_two_mirrors_of_one_connection_are_one(self):
        """It stands under the network that the first copy came through: the client's packets pass its own end first."""
        sensor = self.sensor(settings("mirror")).start()
        connections = self.shop(2)
        total = self.counted(sensor, f"vxlan:{lab.CLIENT_VNI}", connections)
        self.assertEqual(connections, total["mirrored_twice_connections"])

    def test_tunnels_are_told_apart_in_coverage(self):
        sensor = self.sensor(settings("mirror", tunnels=GROUPED)).start()
        self.shop(1)
        self.settles(lambda: sorted(row["tunnel"] for row in sensor.coverage() if row["scope"] == "tunnel"
                                    and row["packets"] > 0), ["vxlan:7", "vxlan:8"])

    def test_a_group_that_names_one_end_only(self):
        sensor = self.sensor(settings("mirror", tunnels={"groups": {"front": ["vxlan:7"]}})).start()
        self.shop(1)
        self.settles(lambda: {network for network, _, _ in self.summary(sensor)}, {"front"})


class Traffic(LabTest):
    def start(self, **sections):
        return self.sensor(settings("mirror", **{"tunnels": GROUPED, **sections})).start()

    def all_seen(self, sensor):
        """Everything that nginx logged is a complete transaction."""
        calls = len(self.calls())
        self.settles(lambda: sensor.status()["totals"]["transactions"], calls)
        self.settles(lambda: [sensor.total()[key] for key in ("transactions", "complete", "lost_bytes")],
                     [calls, calls, 0])

    def test_many_calls_over_one_connection(self):
        sensor = self.start()
        self.lab.curl(*(USERS + str(n) for n in range(500)))
        self.assertEqual(500, len(self.calls()))
        self.all_seen(sensor)
        self.assertEqual(1, sensor.total()["connections"])
        self.assertEqual({("shop", "GET", USERS + "{}"): 500}, self.summary(sensor))

    def test_big_bodies_in_both_directions(self):
        sensor = self.start()
        body = self.folder / "upload"
        body.write_bytes(b"z" * (4 << 20))
        self.lab.curl(DOWNLOADS + "1", DOWNLOADS + "2")
        self.lab.curl(ORDERS[:-1], options=("-X", "POST", "--data-binary", f"@{body}", "-H", "Expect:"))
        self.all_seen(sensor)
        shown = sensor.ask("endpoints", "show", "api.test", "POST", ORDERS[:-1], "--json").json()
        self.near(4 << 20, shown["request_bytes"]["max"])
        shown = sensor.ask("endpoints", "show", "api.test", "GET", DOWNLOADS + "{id}", "--json").json()
        self.near(self.lab.nginx.download_bytes, shown["response_bytes"]["max"])

    def near(self, expected, got):
        """Sizes are kept in a histogram whose buckets are a few percent wide."""
        self.assertLess(abs(got - expected) / expected, 0.1, got)

    def test_load(self):
        """wrk at a bounded rate: all that nginx logged, and at most what wrk broke off at its end beyond that."""
        sensor = self.start()
        script = self.folder / "paced.lua"
        script.write_text(
            'wrk.headers["Host"] = "api.test"\n'
            "function delay() return 2 end\n"
            'function request() return wrk.format("GET", "/api/v1/users/" .. math.random(100000)) end\n',
            encoding="utf-8")
        self.lab.client.run("wrk", "-t1", "-c2", "-d5s", "-s", script, f"http://{SERVER}")
        self.assertGreater(len(self.calls()), 500)
        self.holds(lambda: sensor.status()["totals"]["transactions"] >= len(self.calls()), "transactions are missing")
        self.assertEqual(0, sensor.stop())
        calls = len(self.calls())
        total = sensor.total()
        self.assertIn(total["transactions"] - calls, range(3), total)
        self.assertEqual(0, total["lost_bytes"])
        ((route, requests),) = self.summary(sensor).items()
        self.assertEqual((("shop", "GET", USERS + "{}"), True), (route, calls <= requests <= calls + 2))

    def test_the_sensors_own_traffic_is_not_looked_at(self):
        """HTTP on the mirror's own link, not tunnelled: the health check of a load balancer."""
        for only, hosts in ((None, set()), (False, {"health.test"})):
            tunnels = {**GROUPED, **({} if only is None else {"only_tunnelled": only})}
            sensor = self.sensor(settings("mirror", tunnels=tunnels), name=f"store-{only}").start()
            for _ in range(3):
                self.lab.server.run("curl", "-s", "-m", "10", "-H", "Host: health.test",
                                    f"http://{lab.SENSOR}:9471/api/health")
            self.lab.curl(USERS + "1")
            self.settles(lambda s=sensor: ("shop", "GET", USERS + "{}") in self.summary(s), True)
            self.settles(lambda s=sensor: {e["host"] for e in s.endpoints("--all")} - {"api.test"}, hosts)
            self.assertEqual(0, sensor.stop())


class Quiet(LabTest):
    """A mirror target sends nothing out of the interface that it listens at."""

    def test_the_kernel_answers_where_no_sensor_is(self):
        """Else the test below would prove nothing."""
        silence = Silence(self.lab.sensor, "mirror")
        self.addCleanup(silence.close)
        self.lab.curl(USERS + "1")
        self.holds(silence.broken_by, "the kernel sends no ICMP")

    def test_nothing_leaves_the_sensor(self):
        for spread, shards in (("fanout", 1), ("fanout", 2), ("dispatch", 2)):
            config = settings("mirror", shards=shards)
            config["sources"]["spread"] = spread
            sensor = self.sensor(config, name=f"{spread}-{shards}").start()
            silence = Silence(self.lab.sensor, "mirror")
            for number in range(20):
                self.lab.curl(USERS + str(number))
            self.holds(lambda s=sensor: s.status()["totals"]["transactions"] >= 20, "nothing is seen")
            self.assertEqual([], silence.broken_by())
            self.assertEqual(0, sensor.stop())
            silence.close()

    def test_nothing_leaves_with_other_tunnel_ports(self):
        """The ports that the config names are guarded, whatever they are."""
        sensor = self.sensor(settings("mirror", tunnels={"ports": {"vxlan": [4789, 8472], "geneve": [6081]}})).start()
        silence = Silence(self.lab.sensor, "mirror")
        self.addCleanup(silence.close)
        for port in (4789, 8472, 6081):
            self.lab.server.run("sh", "-c", f"echo hello | timeout 1 bash -c 'cat > /dev/udp/{lab.SENSOR}/{port}'")
        self.assertEqual([], silence.broken_by())
        self.assertEqual("running", sensor.state())

    def test_the_ports_do_not_fill_memory(self):
        """The guarding sockets drop what comes: nothing waits in them to be read."""
        sensor = self.sensor(settings("mirror")).start()
        for number in range(5):
            self.lab.curl(DOWNLOADS + str(number))
        self.holds(lambda: sensor.status()["totals"]["transactions"] >= 5, "nothing is seen")
        queues = [line.split()[4].split(":")[1]
                  for line in self.lab.sensor.run("cat", "/proc/net/udp").splitlines()[1:]]
        self.assertTrue(queues, "no port is guarded")
        self.assertEqual({"00000000"}, set(queues))
