"""How long `sarcodec view` takes to its first picture, and what it reads: python benchmarks/first_picture.py [--size 6000]

A simulated scene of two bands, compressed at quality 50 and effort 0; Debian's Chromium without a window, 1280 x 800. Prints the table of docs/results/doors.md: seconds from the
start of the server to a drawn picture, tiles that were asked for, and bytes that the process read of the file, for the whole scene and for a place at 1 : 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import sarcodec  # noqa: E402
from sarcodec.format.source import PathSource  # noqa: E402
from sarcodec.simulate.product import simulate  # noqa: E402
from sarcodec.viewer.server import Server  # noqa: E402
from sarcodec.viewer.shown import Shown  # noqa: E402
from viewer.chromium import Chromium  # noqa: E402

DRAWN = "document.querySelectorAll('#kinds input').length && [...document.querySelectorAll('#map canvas')].some(c => c.width)"


class Counted:
    """Bytes that were read of compressed files since the last look."""

    def __init__(self) -> None:
        self.bytes, read = 0, PathSource.read

        def counting(source: PathSource, offset: int, length: int) -> bytes:
            self.bytes += length
            return read(source, offset, length)

        PathSource.read = counting


def look(folder: Path, packed: Path, words: str, original: Path | None, counted: Counted) -> str:
    """A row of the table: a fresh server, and a browser that was there before."""
    with Chromium(folder / "profile", 1280, 800) as browser:
        counted.bytes, begin = 0, time.perf_counter()
        with Shown(packed, original) as shown, Server(shown, port=0) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            browser.open(f"{server.url}#{words}")
            browser.until(DRAWN)
            first = time.perf_counter() - begin
            browser.quiet(0.3)
            whole = time.perf_counter() - begin - 0.3
            server.shutdown()
        tiles = sum("/tiles/" in url for url in browser.requests)
    share = counted.bytes / packed.stat().st_size
    return f"| {first:.1f} | {whole:.1f} | {tiles} | {counted.bytes / 1e6:.2f} MB, {share:.1%} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs=2, default=(6000, 6000), metavar=("ROWS", "COLS"))
    parser.add_argument("--scene", nargs="+", metavar="FILE", help="a compressed file, and its original, instead")
    options = parser.parse_args()
    counted = Counted()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        packed, original = map(Path, options.scene) if options.scene else made(folder, *options.size)
        described = sarcodec.info(packed)
        place = f"row={described.rows // 2}&col={described.cols // 2}&side=1"
        print(
            f"{described.rows:,} x {described.cols:,} pixels, {described.bands} bands, {described.bytes / 1e6:.1f} MB\n"
        )
        print("| | First tile, s | Whole picture, s | Tiles | Read of the file |\n|---|---|---|---|---|")
        for title, words, beside in (
            ("Whole scene", "kind=decoded", None),
            ("A place at 1 : 1", f"kind=decoded&{place}", None),
            ("Whole scene, swipe with the original", "kind=swipe", original),
            ("Error of a place at 1 : 1", f"kind=error&{place}", original),
        ):
            print(f"| {title} {look(folder, packed, words, beside, counted)}", flush=True)


def made(folder: Path, rows: int, cols: int) -> tuple[Path, Path]:
    """A file and its original."""
    original, packed = folder / "scene.tif", folder / "scene.sarc"
    simulate(original, rows, cols, seed=0)
    sarcodec.compress(original, packed, quality=50, effort=0)
    return packed, original


if __name__ == "__main__":
    main()
