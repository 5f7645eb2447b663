"""A codec in numpy for tests of the comparison: means of 4 x 4 levels, rounded to a step. Run as a program it
decodes."""

import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np

from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import read_array, write_array
from sarcodec_lab.study.comparing.contenders import Facts, Setting

SIDE = 4


class BlockCodec:
    """A contender; counts what it encodes. The overlap only lengthens the file."""

    unit = "step"

    def __init__(self, name="blocks", overlaps=(0,)):
        self.name, self.digest_hex, self.encoded = name, "ab" * 32, 0
        self.facts = Facts("means of blocks", 64, 1.0, 1.0, 500, 256 if len(overlaps) > 1 else None)
        self.ladder = tuple(Setting(step, overlaps[0]) for step in (0.5, 1.0, 2.0))
        self.main = self.ladder[1]
        self.trials = tuple(Setting(1.0, overlap) for overlap in overlaps[1:])

    def encode(self, scene, setting, target):
        self.encoded += 1
        dn = read_array(scene)[0][0]
        rows, cols = dn.shape
        level = 20 * np.log10(np.maximum(dn, 1).astype(np.float64))
        means = level.reshape(rows // SIDE, SIDE, cols // SIDE, SIDE).mean(axis=(1, 3))
        symbols = zlib.compress(np.rint(means / setting.value).astype("<i2").tobytes(), 9)
        head = struct.pack("<HHd", rows, cols, setting.value)
        Path(target).write_bytes(head + symbols + bytes(setting.overlap_px))

    def decode_command(self):
        return [sys.executable, __file__]


def decode(source: str, target: str) -> None:
    data = Path(source).read_bytes()
    rows, cols, step = struct.unpack_from("<HHd", data)
    symbols = np.frombuffer(zlib.decompressobj().decompress(data[12:]), "<i2").reshape(rows // SIDE, cols // SIDE)
    level = np.kron(symbols * step, np.ones((SIDE, SIDE)))
    dn = np.clip(np.rint(10 ** (level / 20)), 1, 65535).astype(np.uint16)
    write_array(target, dn[None], SceneInfo(rows, cols, 1, "uint16"))


if __name__ == "__main__":
    for line in sys.stdin:
        decode(*line.rstrip("\n").split("\t"))
        print(json.dumps({"seconds": 0.25}))
