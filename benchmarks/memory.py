"""Measures the memory that whole scenes take, however large they are: peak of the whole tree of processes, under `--memory`.

    python benchmarks/memory.py [--shapes 20000x20000,100000x2048,2048x100000] [--memory 1GiB] [--bands 1] [--kind vrt|strips|tiles]

Every scene is made of one simulated block again and again: a VRT that names it, or a GeoTIFF in strips or tiles. Each goes in at effort 0
and comes out (--into: only in), in fresh processes. "Within" says whether both peaks are below `--memory`. `--shapes 100000x100000
--into` is a scene of 10^10 pixels.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from large import block_file, in_strips, repeated, say
from processes import compress_command, decompress_command, measure

from sarcodec.cli.options import byte_count

KINDS = ("vrt", "strips", "tiles")


@dataclass(frozen=True)
class Passed:
    """One scene. Seconds and peaks in MiB of the two processes; those of the way out are None where it was not gone."""

    kind: str
    width: int
    height: int
    bands: int
    bytes: int
    seconds_in: float
    peak_in_mib: float
    seconds_out: float | None
    peak_out_mib: float | None

    def within(self, memory: int) -> bool:
        """Whether the peaks are below `memory` bytes."""
        return max(self.peak_in_mib, self.peak_out_mib or 0) * (1 << 20) < memory


def scene_of(kind: str, folder: Path, width: int, height: int, bands: int) -> Path:
    """The scene as a file of a kind."""
    block = folder / "block.tif"
    if kind == "vrt":
        return repeated(block, folder / "scene.vrt", width, height, bands)
    layout = {"tiled": True, "blockxsize": 512, "blockysize": 512} if kind == "tiles" else {}
    return in_strips(block, folder / "scene.tif", width, height, bands, **layout)


def passed(scene: Path, arguments: argparse.Namespace, shape: tuple[int, int]) -> Passed:
    """In, and out unless only the way in was asked for."""
    packed, decoded = scene.with_suffix(".sarc"), scene.with_name("out.tif")
    options = ["--memory", arguments.memory, *arguments.options.split()]
    if not any(word.startswith(("--target", "--class", "--lossless", "--max")) for word in options):
        options += ["--quality", f"{arguments.quality:g}"]
    forth = measure([*compress_command(scene, packed), *options, "--effort", str(arguments.effort)])
    say(f"{shape}: in {forth}, {packed.stat().st_size} bytes")
    back = None
    if not arguments.into:
        back = measure(decompress_command(packed, decoded, "--memory", arguments.memory))
        say(f"{shape}: out {back}")
        decoded.unlink()
    found = Passed(
        arguments.kind, *shape, arguments.bands, packed.stat().st_size, forth.seconds, forth.peak_mib,
        back.seconds if back else None, back.peak_mib if back else None,
    )  # fmt: skip
    packed.unlink()
    scene.unlink()
    return found


def as_markdown(found: list[Passed], memory: int) -> str:
    """A row a scene."""
    lines = [
        "| width x height x bands | lies in | MB | s in | s out | peak in, MiB | peak out, MiB | within |",
        "|---" * 8 + "|",
    ]
    for one in found:
        out = ("-", "-") if one.seconds_out is None else (f"{one.seconds_out:.0f}", f"{one.peak_out_mib:.0f}")
        lines.append(
            f"| {one.width:,} x {one.height:,} x {one.bands} | {one.kind} | {one.bytes / 1e6:.1f} | {one.seconds_in:.0f} | {out[0]} | "
            f"{one.peak_in_mib:.0f} | {out[1]} | {'yes' if one.within(memory) else 'NO'} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure every shape, print the table; 1 if one was not within."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="20000x20000,100000x2048,2048x100000", metavar="WxH,...")
    parser.add_argument("--memory", default="1GiB", help="as for sarcodec")
    parser.add_argument("--bands", type=int, choices=(1, 2), default=1)
    parser.add_argument("--kind", choices=KINDS, default="vrt")
    parser.add_argument("--effort", type=int, default=0)
    parser.add_argument("--quality", type=float, default=45.0)
    parser.add_argument("--options", default="", help="more options for compress, such as --options='--target-bpp 0.5'")
    parser.add_argument("--into", action="store_true", help="compress only")
    parser.add_argument(
        "--folder", type=Path, help="where the scenes are made (default: the system's temporary folder)"
    )
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    memory, found = byte_count(arguments.memory), []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        block_file(Path(name))
        for shape in arguments.shapes.split(","):
            width, height = map(int, shape.split("x"))
            scene = scene_of(arguments.kind, Path(name), width, height, arguments.bands)
            found.append(passed(scene, arguments, (width, height)))
    print(as_markdown(found, memory))
    if arguments.out:
        document = {"memory": memory, "effort": arguments.effort, "scenes": [asdict(one) for one in found]}
        arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0 if all(one.within(memory) for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
