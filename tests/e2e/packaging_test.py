"""What systemd is given: a unit that it understands, with little that the daemon may do, and a config that is one."""
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import harness
from sensor import SPECULARD

UNIT = Path(os.environ.get("SPECULARD_UNIT", "speculard.service"))
SOURCES = Path(__file__).resolve().parents[2] / "tools/packaging"
# `systemd-analyze security`: 0 may do nothing, 10 may do all; below 2 is called OK.
MOST_EXPOSED = 2.0


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)


class Unit(unittest.TestCase):
    def setUp(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not installed")
        self.folder = Path(harness.tempfile.mkdtemp(prefix="specular-unit-"))
        self.addCleanup(shutil.rmtree, self.folder)
        # The daemon is not installed where the unit says.
        text = re.sub(r"^ExecStart=\S+", f"ExecStart={SPECULARD}", UNIT.read_text(encoding="utf-8"), flags=re.M)
        self.unit = self.folder / "speculard.service"
        self.unit.write_text(text, encoding="utf-8")

    def test_systemd_understands_it(self):
        done = analyze("verify", "--man=no", "--recursive-errors=no", self.unit)
        complaints = [line for line in done.stdout.decode().splitlines() if "speculard" in line]
        self.assertEqual([], complaints)

    def test_it_may_do_little(self):
        done = analyze("security", "--offline=yes", "--no-pager", self.unit)
        found = re.search(r"Overall exposure level for speculard.service: ([\d.]+)", done.stdout.decode())
        self.assertTrue(found, done.stdout.decode()[-2000:])
        self.assertLess(float(found[1]), MOST_EXPOSED, done.stdout.decode())

    def test_a_wrong_value_would_be_noticed(self):
        """Else the tests above prove nothing."""
        self.unit.write_text(self.unit.read_text(encoding="utf-8").replace("=notify", "=nonsense"), encoding="utf-8")
        self.assertIn("speculard", analyze("verify", "--man=no", "--recursive-errors=no", self.unit).stdout.decode())


class Files(unittest.TestCase):
    def test_the_example_is_a_config(self):
        done = subprocess.run([SPECULARD, "--check", "--config", str(SOURCES / "speculard.yaml")],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=harness.environment(), check=False)
        self.assertEqual((0, b""), (done.returncode, done.stderr))

    def test_the_user(self):
        if shutil.which("systemd-sysusers") is None:
            self.skipTest("systemd-sysusers is not installed")
        done = subprocess.run(["systemd-sysusers", "--dry-run", str(SOURCES / "specular.sysusers")],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn(b"specular", done.stdout)
        self.assertIn("User=specular\n", UNIT.read_text(encoding="utf-8"))
