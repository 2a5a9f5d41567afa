"""A daemon's life: signals, health, metrics, user and rights, config, and others that want the same store."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import harness
import lab
from harness import wait_until
from live_test import GROUPED, USERS
from sensor import SPECULARD, LabTest, SensorTest, settings

CAP_NET_RAW = 1 << 13


class Signals(LabTest):
    def start(self, **how):
        return self.sensor(settings("mirror", tunnels=GROUPED), **how).start()

    def ends_by(self, number):
        sensor = self.start()
        self.lab.curl(*(USERS + str(n) for n in range(25)))
        # At once: what is in the rings, and open connections, are part of what it drains.
        self.assertEqual(0, sensor.stop(number), sensor.log())
        self.assertEqual(self.called("shop"), self.summary(sensor))
        self.assertEqual(25, sensor.total()["complete"])
        self.assertFalse((sensor.store / "control.sock").exists(), "the socket is left behind")

    def test_term_drains_and_commits(self):
        self.ends_by(signal.SIGTERM)

    def test_int_drains_and_commits(self):
        self.ends_by(signal.SIGINT)

    def test_usr1_logs_statistics(self):
        sensor = self.start()
        self.lab.curl(USERS + "1")
        self.settles(lambda: sensor.status()["totals"]["transactions"], 1)
        before = len(sensor.log())
        sensor.send(signal.SIGUSR1)
        self.assertTrue(sensor.waits_for("info", "transactions", since=before), sensor.log())
        self.assertEqual("running", sensor.state())

    def test_hup_with_nothing_changed(self):
        sensor = self.start()
        before = len(sensor.log())
        sensor.send(signal.SIGHUP)
        self.holds(lambda: len(sensor.log()) > before, "HUP is not told")
        self.assertFalse(sensor.says("restart needed", since=before), sensor.log())

    def test_hup_names_what_takes_a_restart(self):
        sensor = self.start()
        changed = settings("mirror", tunnels=GROUPED, shards=3, flows={"idle_seconds": 77})
        changed["sources"]["ring_mb"] = 17
        sensor.write_config(changed)
        sensor.send(signal.SIGHUP)
        for key in ("shards", "flows.idle_seconds", "sources.ring_mb"):
            self.assertTrue(sensor.waits_for("restart needed", key), f"{key}: {sensor.log()}")
        self.assertEqual(3, sum("restart needed" in line for line in sensor.log().splitlines()), sensor.log())
        self.assertEqual(1, len(sensor.status()["shards"]))

    def test_hup_with_a_broken_config(self):
        sensor = self.start()
        sensor.write_config("sources:\n  interfaces: [mirror]\n  rinq_mb: 5\n")
        sensor.send(signal.SIGHUP)
        self.assertTrue(sensor.waits_for("error", ":3:", "rinq_mb", "ring_mb"), sensor.log())
        sensor.write_config("sources:\n  interfaces: [mirror]\n  filter: tcp prt 80\n")
        sensor.send(signal.SIGHUP)
        self.assertTrue(sensor.waits_for("error", "sources.filter", "stays"), sensor.log())
        self.lab.curl(USERS + "1")
        self.settles(lambda: self.summary(sensor), {("shop", "GET", USERS + "{}"): 1})

    def test_hup_changes_the_log_level(self):
        sensor = self.start()
        sensor.write_config({**settings("mirror", tunnels=GROUPED), "log_level": "error"})
        before = len(sensor.log())
        sensor.send(signal.SIGHUP)
        self.holds(lambda: not self.answers_usr1(sensor), "it still logs what is below error")
        self.assertFalse(sensor.says("restart needed", since=before), sensor.log())

    def answers_usr1(self, sensor):
        before = len(sensor.log())
        sensor.send(signal.SIGUSR1)
        return wait_until(lambda: len(sensor.log()) > before, 1)


class Service(LabTest):
    """What a service manager hears and asks."""

    def listening(self):
        path = self.folder / "notify"
        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        heard.bind(str(path))
        path.chmod(0o777)
        heard.settimeout(60)
        self.addCleanup(heard.close)
        return path, heard

    def hears(self, heard, word):
        """Waits for a message with that line."""
        while True:
            message = heard.recv(4096).decode().splitlines()
            if word in message:
                return message

    def test_ready_watchdog_stopping(self):
        path, heard = self.listening()
        sensor = self.sensor(settings("mirror"))
        sensor.start(wait=False, env={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "2000000"})
        self.hears(heard, "READY=1")
        self.assertEqual("running", sensor.state())
        for _ in range(3):
            begin = time.monotonic()
            self.hears(heard, "WATCHDOG=1")
            self.assertLess(time.monotonic() - begin, 2, "it would be killed")
        sensor.send(signal.SIGTERM)
        self.hears(heard, "STOPPING=1")
        self.assertEqual(0, sensor.process.wait(60))

    def test_not_ready_if_it_cannot_start(self):
        path, heard = self.listening()
        sensor = self.sensor(settings("nosuch0"))
        sensor.start(wait=False, env={"NOTIFY_SOCKET": str(path)})
        self.assertEqual(1, sensor.process.wait(60), sensor.log())
        sensor.killed = True
        heard.setblocking(False)
        self.assertRaises(BlockingIOError, heard.recv, 4096)

    def test_health_before_during_and_after(self):
        """Between healthy and gone it says 503, so that no load balancer sends to who drains."""
        sensor = self.sensor(settings("mirror"))
        self.assertIsNone(sensor.health())
        sensor.start()
        self.settles(sensor.health, 200)
        sensor.send(signal.SIGTERM)
        seen = []
        while sensor.alive():
            seen.append(sensor.health())
        self.assertEqual(0, sensor.process.returncode)
        ranks = [{200: 0, 503: 1, None: 2}[status] for status in seen]
        self.assertEqual(sorted(ranks), ranks, seen)
        self.assertIsNone(sensor.health())

    def test_health_is_asked_from_outside(self):
        """By a load balancer over the network, and it learns nothing but that."""
        sensor = self.sensor(settings("mirror")).start()
        self.settles(sensor.health, 200)
        url = f"http://{lab.SENSOR}:9471"
        said = self.lab.server.run("curl", "-s", "-i", "-m", "10", url + "/")
        self.assertTrue(said.startswith("HTTP/1.1 200"), said)
        for path in ("/metrics", "/v1/status", "/v1/endpoints"):
            said = self.lab.server.run("curl", "-s", "-m", "10", url + path)
            self.assertNotIn("{", said, path)
            self.assertNotIn("specular_", said, path)
        # Metrics are for this machine alone.
        said = self.lab.server.run("curl", "-s", "-m", "5", f"http://{lab.SENSOR}:9470/metrics", check=False)
        self.assertEqual("", said)

    def test_metrics_say_what_coverage_says(self):
        sensor = self.sensor(settings("mirror", tunnels=GROUPED, shards=2)).start()
        self.lab.curl(*(USERS + str(n) for n in range(40)))
        self.settles(lambda: sensor.total()["complete"], 40)
        self.settles(lambda: sensor.metric("specular_http_requests_total"), 40)
        counters, metrics = sensor.counters(), sensor.metrics()
        compared = 0
        for name, value in counters.items():
            found = [v for (key, _), v in metrics.items() if key == f"specular_{name}_total"]
            if found:
                compared += 1
                self.assertEqual(value, sum(found), name)
        self.assertGreater(compared, 3, counters)
        stages = {labels for (key, labels) in metrics if key == "specular_stage_seconds_count"}
        self.assertGreater(len(stages), 3, stages)
        self.assertEqual(sensor.status()["totals"]["frames"],
                         sum(i["frames"] for i in sensor.status()["interfaces"]))

    def test_rates(self):
        sensor = self.sensor(settings("mirror", tunnels=GROUPED)).start()
        self.lab.curl(*(USERS + str(n) for n in range(200)))
        self.holds(lambda: sensor.status()["rates"]["transactions_per_s"] > 1, "no rate")
        self.assertGreater(sensor.status()["rates"]["frames_per_s"], 1)


class Rights(LabTest):
    def test_its_own_user_with_the_right_to_capture_alone(self):
        store = self.folder / "store"
        store.mkdir()
        os.chown(store, 65534, 65534)
        sensor = self.sensor(settings("mirror", tunnels=GROUPED), user="nobody").start()
        fields = dict(line.split(":", 1) for line in
                      Path(f"/proc/{sensor.process.pid}/status").read_text(encoding="ascii").splitlines())
        self.assertEqual(["65534"] * 4, fields["Uid"].split())
        self.assertEqual(["65534"] * 4, fields["Gid"].split())
        self.assertEqual([], [g for g in fields["Groups"].split() if g != "65534"])
        for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"):
            self.assertIn(int(fields[name], 16), (0, CAP_NET_RAW), name)
        self.assertEqual("1", fields["NoNewPrivs"].strip())
        for thread in Path(f"/proc/{sensor.process.pid}/task").iterdir():
            text = (thread / "status").read_text(encoding="ascii")
            self.assertIn(int(re.search(r"CapEff:\t(\w+)", text)[1], 16), (0, CAP_NET_RAW), thread)
            self.assertIn("Uid:\t65534\t65534\t65534\t65534", text)
        self.lab.curl(*(USERS + str(n) for n in range(5)))
        self.settles(lambda: self.summary(sensor), self.called("shop"))
        # The interface goes and comes: that takes the right once more.
        self.lab.sensor.ip("link", "set", "mirror", "down")
        self.settles(lambda: sensor.status()["interfaces"][0]["state"], "down")
        self.lab.sensor.ip("link", "set", "mirror", "up")
        self.lab.address_sensor()
        self.settles(lambda: sensor.status()["interfaces"][0]["state"], "up")
        self.assertEqual(0, sensor.stop(), sensor.log())
        self.assertEqual({65534}, {path.stat().st_uid for path in store.iterdir()})
        self.assertEqual([], [path.name for path in store.iterdir() if path.stat().st_mode & 0o007])

    def test_as_the_unit_has_it(self):
        """User, capability and system calls as in speculard.service, since systemd itself may not be at hand here."""
        if shutil.which("systemd-analyze") is None or shutil.which("gcc") is None:
            self.skipTest("systemd-analyze and gcc tell which system calls a unit allows")
        if any(not parent.stat().st_mode & 0o001 for parent in Path(SPECULARD).parents):
            self.skipTest(f"{SPECULARD} is closed to other users")
        store = self.folder / "store"
        store.mkdir()
        os.chown(store, 65534, 65534)
        sensor = self.sensor(settings("mirror", tunnels=GROUPED, shards=2))
        confine = Path(__file__).with_name("confine.py")
        # A leak checker would want to trace the process, which no unit should allow.
        sensor.start(before=(sys.executable, confine, os.environ["SPECULARD_UNIT"], "65534"), leaks=False)
        self.assertIn("Seccomp:\t2", Path(f"/proc/{sensor.process.pid}/status").read_text(encoding="ascii"))
        self.lab.curl(*(USERS + str(n) for n in range(5)))
        self.settles(lambda: self.summary(sensor), self.called("shop"))
        sensor.send(signal.SIGHUP)
        self.assertEqual(0, sensor.stop(), sensor.log())
        self.assertEqual(self.called("shop"), self.summary(sensor))
        self.assertFalse(sensor.says("not permitted"), sensor.log())

    def test_the_control_socket_is_closed_to_others(self):
        sensor = self.sensor(settings("mirror")).start()
        self.assertEqual(0o660, (sensor.store / "control.sock").stat().st_mode & 0o777)

    def test_a_user_that_is_not_there(self):
        config = self.folder / "good.yaml"
        config.write_text(json.dumps(settings("lo")), encoding="utf-8")
        done = subprocess.run([SPECULARD, "--store", self.folder / "store", "--config", config, "--user",
                               "no-such-user"], stderr=subprocess.PIPE, env=harness.environment(), check=False,
                              timeout=60)
        self.assertIn(done.returncode, (1, 2))
        self.assertIn(b"no-such-user", done.stderr)


class TwoDaemons(LabTest):
    def test_the_second_is_refused(self):
        first = self.sensor(settings("mirror", tunnels=GROUPED)).start()
        second = self.sensor(settings("mirror"))
        second.log_file = self.folder / "second.log"
        second.write_config({**settings("mirror"), "health": {"listen": ""}, "metrics": {"listen": ""}})
        second.start(wait=False)
        self.assertEqual(1, second.process.wait(60), second.log())
        second.killed = True
        self.assertTrue(second.says(str(second.store)), second.log())
        # The first one is as it was, with its socket.
        self.lab.curl(USERS + "1")
        self.settles(lambda: self.summary(first), self.called("shop"))

    def test_analyze_into_its_store_is_refused(self):
        sensor = self.sensor(settings("mirror")).start()
        capture = self.folder / "a.pcap"
        capture.write_bytes(b"")
        result = harness.run("analyze", capture, "--store", sensor.store)
        self.assertEqual(1, result.status, result)
        self.assertIn(str(sensor.store), result.err)

    def test_a_port_that_is_taken(self):
        taken = self.lab.sensor.inside(lambda: socket.create_server(("0.0.0.0", 9471)))
        self.addCleanup(taken.close)
        sensor = self.sensor(settings("mirror"))
        sensor.start(wait=False)
        self.assertEqual(1, sensor.process.wait(60), sensor.log())
        sensor.killed = True
        self.assertTrue(sensor.says("9471"), sensor.log())

    def test_a_socket_that_a_killed_daemon_left(self):
        sensor = self.sensor(settings("mirror")).start()
        sensor.kill()
        self.assertTrue((sensor.store / "control.sock").exists())
        self.assertEqual([], sensor.endpoints())  # the store at rest
        sensor.start()
        self.assertEqual("running", sensor.state())


class Settings(SensorTest):
    """Configs that are checked, refused, described; no traffic."""

    def speculard(self, *arguments, status):
        done = subprocess.run([SPECULARD, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=harness.environment(), check=False, timeout=60)
        self.assertEqual(status, done.returncode, done)
        return done.stdout.decode(), done.stderr.decode()

    def refused(self, text, *words):
        """At start and by --check: with one line, exit 2, and nothing made."""
        config = self.folder / "bad.yaml"
        config.write_text(text, encoding="utf-8")
        for arguments in ((), ("--check",)):
            _, err = self.speculard("--store", self.folder / "store", "--config", config, *arguments, status=2)
            self.assertEqual(1, len(err.splitlines()), err)
            for word in (str(config), *words):
                self.assertIn(word, err)
        self.assertFalse((self.folder / "store").exists())

    def test_an_unknown_key(self):
        self.refused("sources:\n  interfaces: [lo]\n  ringmb: 5\n", ":3:", "ringmb", "sources.ring_mb")

    def test_an_unknown_section(self):
        self.refused("shards: 1\nsource:\n  interfaces: [lo]\n", ":2:", "source", "sources")

    def test_a_wrong_type(self):
        self.refused("sources:\n  ring_mb: plenty\n", ":2:", "ring_mb")

    def test_out_of_range(self):
        self.refused("health:\n  loss_percent: 101\n", ":2:", "loss_percent", "100")

    def test_no_yaml(self):
        self.refused("sources: [\n", ":")

    def test_a_filter_that_does_not_compile(self):
        self.refused("sources:\n  interfaces: [lo]\n  filter: 'tcp prt 80'\n", "sources.filter", "tcp prt 80")

    def test_rings_that_no_memory_is_there_for(self):
        self.refused("shards: 64\nsources: {interfaces: [lo], ring_mb: 2047}\nmemory_mb: 4096\n",
                     "sources.ring_mb", "4096")

    def test_check_of_a_good_one(self):
        config = self.folder / "good.yaml"
        config.write_text(json.dumps(settings("mirror", shards=4)), encoding="utf-8")
        self.speculard("--check", "--config", config, status=0)
        self.assertFalse((self.folder / "store").exists())

    def test_wrong_usage(self):
        for arguments in (("--nonsense",), (), ("--store",)):
            _, err = self.speculard(*arguments, status=2)
            self.assertTrue(err, arguments)

    def test_nothing_to_listen_to(self):
        """Neither an interface nor a folder: nothing would ever be seen."""
        for arguments in (("--store", self.folder / "store"), ("--check",)):
            _, err = self.speculard(*arguments, status=2)
            self.assertIn("sources.interfaces", err)
        self.assertFalse((self.folder / "store").exists())

    def test_version(self):
        out, _ = self.speculard("--version", status=0)
        self.assertRegex(out, r"\d+\.\d+\.\d+")

    def test_what_is_described_is_a_config(self):
        """The documentation is a config with every option at its default, so it must be accepted as one."""
        out, _ = self.speculard("--describe", status=0)
        for word in ("ring_mb", "only_tunnelled: true", "loss_percent", "kernel_dropped_frames", "settle_seconds"):
            self.assertIn(word, out)
        config = self.folder / "described.yaml"
        config.write_text(out.replace("interfaces: []", "interfaces: [lo]"), encoding="utf-8")
        self.speculard("--check", "--config", config, status=0)
