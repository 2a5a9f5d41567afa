"""Runs the tests of the specular command, several classes at a time.

    run.py SPECULAR SPECULARD [WORD…]     only tests with one of the words in their names, as file.Class.test

What failed, and why some were skipped, stands before the last line: `N passed, N failed, N skipped`.
"""
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "support"))

import runner  # noqa: E402


def main(arguments):
    names = ("SPECULAR", "SPECULARD")
    if len(arguments) < len(names):
        sys.exit(__doc__)
    for name, path in zip(names, arguments):
        if not os.access(path, os.X_OK):
            sys.exit(f"{path}: no program")
        os.environ[name] = str(Path(path).resolve())
    sys.path.insert(0, str(FOLDER))
    return runner.main(FOLDER, arguments[len(names):])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
