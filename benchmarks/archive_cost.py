"""What an archive costs a scene: megapixels a core second of compressing and judging, and of writing the STAC items of very many outputs.

    python benchmarks/archive_cost.py --side 3072 --items 100000

One simulated scene of two bands, everything on one thread, in seconds of the processor. The items are those of one output, again and again, in a table as the archive has it. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sarcodec
from sarcodec.archiving.items import item_of, write_items
from sarcodec.archiving.table import DONE, Row, Table
from sarcodec.simulate.product import simulate


def spent(what: Callable[[], object]) -> float:
    """Seconds of the processor."""
    began = time.process_time()
    what()
    return time.process_time() - began


def scene(folder: Path, side: int) -> None:
    """Rows of the scene's ways."""
    source, packed, back = (str(folder / name) for name in ("scene.tif", "scene.sarc", "back.tif"))
    simulate(source, side, side, seed=5)
    usual = {"threads": 1, "overwrite": True}
    sarcodec.compress(source, packed, **usual)  # what is loaded once is no part of a scene's time
    ways = {
        "compress, quality 60": lambda: sarcodec.compress(source, packed, **usual),
        "decompress": lambda: sarcodec.decompress(packed, back, **usual),
        "judge": lambda: sarcodec.verify(packed, against=source, reconstruct="power", threads=1),
        "compress, class archive": lambda: sarcodec.compress(source, packed, quality_class="archive", **usual),
        "compress, class analysis": lambda: sarcodec.compress(source, packed, quality_class="analysis", **usual),
    }
    for name, way in ways.items():
        print(f"| {name} | {2 * side * side / 1e6 / spent(way):.2f} Mpx a core second |", flush=True)


def items(folder: Path, count: int) -> None:
    """Row of the list of items."""
    named = folder / "S1A_IW_GRDH_1SDV_20180716T060522_20180716T060547_022816_027924_ABCD.sarc"
    (folder / "scene.sarc").rename(named)
    one = item_of(str(named), named.name)
    if one is None:
        raise SystemExit("the scene has no place")
    with Table(folder / "archive.sqlite") as table:
        for number in range(count):
            name = f"{number:08}.sarc"
            table.put(Row(output=name, source=f"/{number}.tif", state=DONE, head="h", bytes_out=1))
            table.put_item(name, "h", json.dumps({**json.loads(one), "id": name}))
        table.commit()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        took = spent(lambda: write_items(table, folder, str))
        more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        size = next(folder.glob("items.*")).stat().st_size
    print(f"| {count:,} STAC items | {took:.0f} s, {size / count:.0f} bytes each, {more / 1024:.0f} MiB more memory |")


def main() -> None:
    """All rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=3072, help="rows and columns of the scene")
    parser.add_argument("--items", type=int, default=100_000)
    options = parser.parse_args()
    print("| | measured |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        scene(Path(folder), options.side)
        items(Path(folder), options.items)


if __name__ == "__main__":
    main()
