"""Runs the tests of the specular command, several classes at a time.

    run.py SPECULAR [--holder HOLDER] [WORD…]

Only tests with one of the words in their names, as file.Class.test. Those of a store that is locked want HOLDER, which
the build makes.

What failed, and why some were skipped, stands before the last line: `N passed, N failed, N skipped`.
"""
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "support"))

import runner  # noqa: E402


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    specular = Path(arguments[0]).resolve()
    if not os.access(specular, os.X_OK):
        sys.exit(f"{specular}: no program")
    os.environ["SPECULAR"] = str(specular)
    if arguments[1:2] == ["--holder"]:
        os.environ["HOLDER"] = str(Path(arguments[2]).resolve())
        del arguments[1:3]
    sys.path.insert(0, str(FOLDER))
    return runner.main(FOLDER, arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
