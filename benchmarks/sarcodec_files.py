"""Many files in one process of sarcodec, by its Python verbs: one process writes them, another reads them back.

    python benchmarks/sarcodec_files.py compress IN.tif OUT.sarc BITS [IN.tif OUT.sarc BITS ...]
    python benchmarks/sarcodec_files.py decompress IN.sarc OUT.tif [IN.sarc OUT.tif ...]

Pixels are amplitudes. Figures of quality need a process that has not seen the original; they do not need one a file.
"""

from __future__ import annotations

import sys

import sarcodec


def main(words: list[str]) -> int:
    """Run one verb on every file that is named."""
    verb, names = words[0], words[1:]
    if verb == "compress":
        for source, target, bits in zip(names[::3], names[1::3], names[2::3], strict=True):
            sarcodec.compress(source, target, target_bpp=float(bits), domain="amplitude", threads=1)
    else:
        for source, target in zip(names[::2], names[1::2], strict=True):
            sarcodec.decompress(source, target, threads=1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
