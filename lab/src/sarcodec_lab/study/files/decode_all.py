"""A fresh process that reads many files of one comparison: loading a network's runtime takes seconds, reading does not.

    python -m sarcodec_lab.study.files.decode_all network MODEL [DIR ...]   (folder of a published study model, or its id in one
    of DIR) python -m sarcodec_lab.study.files.decode_all codec log         (or power: what decompressing aims at)

stdin: a line a file, FILE and OUT.tif with a tab between; stdout: a line of JSON a file, {"seconds": ...}. It is told
nothing of the originals.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sarcodec.errors import SarcodecError


def main(words: list[str]) -> int:
    """Exit code as that of `sarcodec`: 0, or the error's own."""
    try:
        read = _reader(words)
        for line in sys.stdin:
            source, target = line.rstrip("\n").split("\t")
            start = time.perf_counter()
            read(source, target)
            print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
    except SarcodecError as error:
        print(f"sarcodec: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def _reader(words: list[str]) -> Callable[[str, str], None]:
    if words[:1] == ["codec"]:
        import sarcodec

        return lambda source, target: sarcodec.decompress(source, target, reconstruct=words[1], threads=1)
    from sarcodec_lab.networks.autoencoders import published
    from sarcodec_lab.study.files import coder

    model = published.load(words[1], tuple(map(Path, words[2:])))
    return lambda source, target: coder.decode_scene(source, model, target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
