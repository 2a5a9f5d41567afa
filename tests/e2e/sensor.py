"""The daemon under test in the sensor's namespace, what it is asked, and what every test of it has in common."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import harness
import lab
from harness import wait_until

SPECULARD = os.environ.get("SPECULARD", "speculard")
BLAST = os.environ.get("BLAST", "blast")
BENCH_CAPTURE = os.environ.get("BENCH_CAPTURE", "bench_capture")
ANSWER_SECONDS = 30

METRIC = re.compile(r"^(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?P<labels>.*)\})? (?P<value>\S+)$")
LOG_LINE = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:.]+Z )?(error|warning|info): \S.*$|^speculard: \S.*$")
MISSING = lab.missing()


class Refused(Exception):
    """Nobody answers there."""


def http_get(connection, path):
    """Status and body of one HTTP request over a connected socket."""
    with connection:
        connection.settimeout(ANSWER_SECONDS)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: sensor\r\nConnection: close\r\n\r\n".encode())
        said = b""
        while part := connection.recv(65536):
            said += part
    if not said:
        raise Refused("closed without an answer")
    head, _, body = said.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


def connected(namespace, address, port):
    def connect():
        try:
            return socket.create_connection((address, port), 10)
        except OSError:
            return None
    made = namespace.inside(connect)
    if made is None:
        raise Refused(f"{address}:{port}")
    return made


class Sensor:
    """A speculard at work; one object outlives its restarts."""

    def __init__(self, namespace, config, store, *, user=None):
        self.namespace, self.store, self.user = namespace, Path(store), user
        self.config_file = self.store.with_suffix(".yaml")
        self.log_file = self.store.with_suffix(".log")
        self.write_config(config)
        self.process, self.killed = None, False

    def write_config(self, config):
        """A mapping (YAML takes JSON), or the text itself."""
        text = config if isinstance(config, str) else json.dumps(config, indent=2)
        self.config_file.write_text(text, encoding="utf-8")

    def start(self, *arguments, wait=True, env=None, before=(), leaks=True):
        """Starts it, and waits until it runs. `before` stands before the command, as `nice` does."""
        env = harness.environment(**(env or {}))
        env["ASAN_OPTIONS"] += "" if leaks else ":detect_leaks=0"
        user = ["--user", self.user] if self.user else []
        with open(self.log_file, "ab") as log:
            self.process = self.namespace.start(*before, SPECULARD, "--store", self.store, "--config", self.config_file,
                                                *user, *arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                                env=env)
        self.killed = False
        if wait and not wait_until(lambda: not self.alive() or self.state() == "running", ANSWER_SECONDS):
            raise AssertionError(f"the daemon does not run\n{self.log()}")
        if wait and not self.alive():
            raise AssertionError(f"the daemon ended with {self.process.returncode}\n{self.log()}")
        return self

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, with_signal=signal.SIGTERM):
        """Asks it to end, as a service manager does, and returns its exit status."""
        return lab.end(self.process, with_signal, ANSWER_SECONDS)

    def kill(self):
        self.killed = True
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.kill()
        self.start()

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    def says(self, *words, since=0):
        """Whether one line of the log has all the words."""
        return any(all(word in line for word in words) for line in self.log()[since:].splitlines())

    def waits_for(self, *words, since=0, seconds=ANSWER_SECONDS):
        return wait_until(lambda: self.says(*words, since=since), seconds)

    def ask(self, *arguments, status=0):
        result = harness.run(*arguments, "--store", self.store)
        if status is not None and result.status != status:
            raise AssertionError(f"{result}\n{self.log()[-5000:]}")
        return result

    def state(self):
        result = self.ask("status", "--json", status=None)
        return result.json()["state"] if result.status == 0 else None

    def status(self):
        return self.ask("status", "--json").json()

    def endpoints(self, *options):
        return self.ask("endpoints", "--json", *options).json()

    def coverage(self):
        return self.ask("coverage", "--json").json()

    def total(self):
        return next(row for row in self.coverage() if row["scope"] == "total")

    def counters(self):
        return self.total()["counters"]

    def health(self):
        """200 or 503; None where nobody answers."""
        try:
            return http_get(connected(self.namespace, "127.0.0.1", 9471), "/")[0]
        except (Refused, ConnectionError):
            return None

    def metrics(self):
        """{(name, labels as text): value}"""
        status, text = http_get(connected(self.namespace, "127.0.0.1", 9470), "/metrics")
        if status != 200:
            raise AssertionError(f"/metrics: {status}")
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        parsed = [METRIC.match(line) for line in lines]
        if None in parsed:
            raise AssertionError(f"no metric: {lines[parsed.index(None)]!r}")
        return {(m["name"], m["labels"] or ""): float(m["value"]) for m in parsed}

    def metric(self, name):
        """The sum over all labels; None if there is no such metric."""
        found = [value for (key, _), value in self.metrics().items() if key == name]
        return sum(found) if found else None

    def resident(self):
        """Bytes of memory that it has now."""
        fields = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def check(self):
        """Ends it if it still runs; what is wrong with the way that it lived, empty if nothing."""
        if self.process is None:
            return ""
        if self.alive():
            self.stop()
        if harness.SANITIZER_REPORT.search(self.log().encode()):
            return f"a sanitizer complains\n{self.log()[-20000:]}"
        if self.process.returncode != 0 and not self.killed:
            return f"the daemon ended with {self.process.returncode}\n{self.log()[-5000:]}"
        odd = [line for line in self.log().splitlines() if not LOG_LINE.match(line)]
        return f"no line of a log: {odd[0]!r}" if odd else ""


def settings(*interfaces, **sections):
    """A config for tests; `tunnels={…}` and so on add to it."""
    config = {"sources": {"interfaces": list(interfaces), "ring_mb": 64}, "storage": {"commit_seconds": 1}}
    for name, value in sections.items():
        config[name] = {**config.get(name, {}), **value} if isinstance(value, dict) else value
    return config


@unittest.skipIf(MISSING, MISSING)
class SensorTest(unittest.TestCase):
    """A folder for each test, and daemons that must have ended well when the test does."""

    maxDiff = 4000

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="specular-e2e-"))
        self.folder.chmod(0o755)
        self.sensors = []
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def sensor(self, config, namespace=None, name="store", **how):
        made = Sensor(namespace or self.lab.sensor, config, self.folder / name, **how)
        self.addCleanup(self.end, made)
        self.sensors.append(made)
        return made

    def end(self, sensor):
        problem = sensor.check()
        if problem:
            self.fail(problem)

    def settles(self, ask, expected, seconds=ANSWER_SECONDS):
        """Waits until asking brings what is expected, and fails with what came instead."""
        got = []

        def reached():
            got[:] = [ask()]
            return got[0] == expected
        if not wait_until(reached, seconds):
            self.assertEqual(expected, got[0], self.situation())

    def holds(self, condition, what, seconds=ANSWER_SECONDS):
        if not wait_until(condition, seconds):
            self.fail(f"{what}\n{self.situation()}")

    def situation(self):
        """What the daemons that run say of themselves, for whoever reads why a test failed."""
        return "\n".join(f"{s.status()}\n{s.total()}\n{s.endpoints('--all')}\n{s.log()[-3000:]}"
                         for s in self.sensors if s.alive())

    def summary(self, sensor):
        """What a sensor knows, as {(network, method, path without names): requests}."""
        return {(e["network"], e["method"], re.sub(r"\{.*?\}", "{}", e["path"])): e["requests"]
                for e in sensor.endpoints("--all")}


class LabTest(SensorTest):
    """Tests that share a laboratory; each has its own daemon and store."""

    @classmethod
    def setUpClass(cls):
        lab.remove_leftovers()
        cls.lab = lab.Lab()
        cls.addClassCleanup(cls.lab.remove)

    def setUp(self):
        super().setUp()
        self.called_before = len(self.lab.calls())

    def calls(self):
        """What nginx answered in this test."""
        return self.lab.calls()[self.called_before:]

    def called(self, network):
        """The same, as summary() has it; what no server granted is no endpoint."""
        counts = {}
        for call in self.calls():
            if call["status"] in (404, 405):
                continue
            key = (network, call["method"], re.sub(r"(?<=/)\d+(?=/|$)", "{}", call["target"].partition("?")[0]))
            counts[key] = counts.get(key, 0) + 1
        return counts


class WireTest(SensorTest):
    """Tests with nothing but a link, `sender` to `sensor`, on which frames are put by hand."""

    @classmethod
    def setUpClass(cls):
        lab.remove_leftovers()
        cls.sender = lab.Namespace("sender")
        cls.addClassCleanup(cls.sender.remove)
        cls.lab = cls
        cls.sensor_namespace = lab.Namespace("sensor")
        cls.addClassCleanup(cls.sensor_namespace.remove)
        lab.connect(cls.sender, "mirror", cls.sensor_namespace, mtu=9000)

    def sensor(self, config, **how):
        return super().sensor(config, namespace=self.sensor_namespace, **how)

    def blaster(self, capture, rate, seconds):
        process = self.sender.start(BLAST, "mirror", capture, rate, seconds, stdout=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def blast(self, capture, rate, seconds):
        return json.loads(self.blaster(capture, rate, seconds).communicate(timeout=seconds + 60)[0])

    def mix(self, kind, calls, vni=7):
        """A capture of the benchmarks' traffic."""
        path = self.folder / f"{kind}-{calls}.pcap"
        subprocess.run([BENCH_CAPTURE, kind, str(calls), str(path), str(vni)], check=True)
        return path


def pause(seconds):
    """For time itself to pass, where that is what is tested."""
    time.sleep(seconds)
