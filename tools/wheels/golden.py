"""Tries an installed sarcodec on the golden files: python tools/wheels/golden.py [--without-library]

Every symbol of each file of tests/golden must have the checksum that is kept beside it, at each level of processors that this machine has, or in NumPy
alone. Status 1 if one differs, or if the library is not there although it should be. Needs the installed package and NumPy.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import zlib
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden"
LEVELS = ("plain", "avx2", "avx512")


def checked(path: Path) -> int:
    """How many symbols the learned bands of one file have, all as they were. Raises SystemExit where they are not."""
    from sarcodec.decoding.scene import SceneDecoder
    from sarcodec.format.reader import FileReader

    tiles, count = json.loads(path.with_suffix(".json").read_text(encoding="utf-8")).get("tiles", ()), 0
    if not any("crc32" in tile for tile in tiles):
        return 0  # bounded and lossless pixels, of a product too, need imagecodecs, which need not be here
    with FileReader(path) as file:
        decoder, planes = SceneDecoder(file), file.header.planes
        for place, tile in enumerate(tiles):
            if "crc32" not in tile:  # exact pixels, which no model has coded
                continue
            symbols = decoder.symbols(*divmod(place, planes))
            found = f"{zlib.crc32(symbols.astype('<i4').tobytes()):08x}"
            if found != tile["crc32"]:
                raise SystemExit(f"{path.name}, tile {place}: symbols {found}, expected {tile['crc32']}")
            count += symbols.size
    return count


def main() -> int:
    """In a child: check everything at one level. Otherwise start one for each level."""
    if "--child" in sys.argv:
        from sarcodec.native import level

        count = sum(checked(path) for path in sorted(GOLDEN.glob("v1-*.sarc")))
        print(f"{platform.machine()}, {level() or 'NumPy alone'}: {count} symbols as they were")
        return int(not count)
    ways = ("off",) if "--without-library" in sys.argv else _levels_here()
    return max(
        subprocess.run([sys.executable, __file__, "--child"], env={**os.environ, "SARCODEC_NATIVE": way}).returncode
        for way in ways
    )


def _levels_here() -> tuple[str, ...]:
    from sarcodec.native import level

    best = level()
    if best is None:
        raise SystemExit("found no compiled library in the installed package; build the wheel with one")
    return LEVELS[: LEVELS.index(best) + 1]


if __name__ == "__main__":
    sys.exit(main())
