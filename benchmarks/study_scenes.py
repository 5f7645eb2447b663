"""Native-like simulated scenes in a folder that `sarcodec compare --data` reads: speckle as untouched GRDH products have it.

    python benchmarks/study_scenes.py FOLDER [--size 512]

Four scenes of two bands, one for each preset of the simulator, family 'simulated', always the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sarcodec_lab.study.scenes import write_scenes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    write_scenes(options.folder, options.size)


if __name__ == "__main__":
    main()
