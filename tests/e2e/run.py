"""Runs the daemon in network namespaces: real servers and clients, mirrored by the kernel as a cloud would.

    run.py SPECULAR SPECULARD BLAST BENCH_CAPTURE UNIT [WORD…]   only tests with one of the words in their names

Takes root, nginx, curl, wrk, and a kernel with namespaces, veth, vxlan and tc; where one is missing tests are skipped,
saying so. The last line is `N passed, N failed, N skipped`.
"""
import os
import signal
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "support"))
# What talks to the command, and what makes packets.
sys.path.insert(1, str(FOLDER.parent / "cli"))

import runner  # noqa: E402


def main(arguments):
    names = ("SPECULAR", "SPECULARD", "BLAST", "BENCH_CAPTURE", "SPECULARD_UNIT")
    if len(arguments) < len(names):
        sys.exit(__doc__)
    for name, path in zip(names, arguments):
        if not os.path.exists(path):
            sys.exit(f"{path}: not there")
        os.environ[name] = str(Path(path).resolve())
    # Whoever ends this run wants namespaces and daemons gone, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.path.insert(0, str(FOLDER))
    return runner.main(FOLDER, arguments[len(names):])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
