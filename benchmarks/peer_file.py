"""A GeoTIFF of amplitudes into a file of another codec and back: the same work that sarcodec does, for comparison.

    python benchmarks/peer_file.py encode IN.tif OUT {j2k,htj2k,jxl,avif} --setting X [--threads N]
    python benchmarks/peer_file.py decode IN OUT.tif {j2k,htj2k,jxl,avif} [--threads N]

Each band is one stream; the file is their lengths and their bytes. Levels are L = 20 log10(max(DN, 1)).
"""

from __future__ import annotations

import argparse
import struct
import sys
import warnings
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from sarcodec_lab.figures.peers import AVIF, HTJ2K, JPEG_2000, JPEG_XL, Peer

PEERS = {peer.name: peer for peer in (JPEG_2000, JPEG_XL, AVIF)}
QUICK_PEERS = {**PEERS, HTJ2K.name: HTJ2K}  # those that speed is compared with too


def level_db(dn: np.ndarray) -> np.ndarray:
    """L of amplitudes, float32."""
    return 20 * np.log10(np.maximum(dn, 1).astype(np.float32))


def encode_file(peer: Peer, source: Path, target: Path, setting: float, threads: int) -> None:
    """Write the streams of all bands of the uint16 GeoTIFF `source`."""
    with rasterio.open(source) as scene, open(target, "wb") as out:
        for band in range(1, scene.count + 1):
            stream = peer.encode(level_db(scene.read(band)), setting, threads)
            out.write(struct.pack("<Q", len(stream)) + stream)


def decode_file(peer: Peer, source: Path, target: Path, threads: int) -> None:
    """Write the uint16 GeoTIFF of the streams in `source`."""
    data, streams = source.read_bytes(), []
    position = 0
    while position < len(data):
        (length,) = struct.unpack_from("<Q", data, position)
        streams.append(data[position + 8 : position + 8 + length])
        position += 8 + length
    amplitudes = (restore(peer.decode(stream, threads)) for stream in streams)
    first = next(amplitudes)
    rows, cols = first.shape
    with rasterio.open(
        target, "w", driver="GTiff", width=cols, height=rows, count=len(streams), dtype="uint16", tiled=True
    ) as out:
        out.write(first, 1)
        for band, dn in enumerate(amplitudes, start=2):
            out.write(dn, band)


def restore(level: np.ndarray) -> np.ndarray:
    """uint16 amplitudes of levels in dB."""
    return np.clip(np.round(np.power(np.float32(10), level / np.float32(20))), 0, 65535).astype(np.uint16)


def main() -> int:
    """Run one verb."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("encode", "decode"))
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("codec", choices=sorted(QUICK_PEERS))
    parser.add_argument(
        "--setting", type=float, default=40.0, help="j2k: PSNR against 96 dB; htj2k: step; jxl: distance; avif: level"
    )
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    peer = QUICK_PEERS[arguments.codec]
    if arguments.verb == "encode":
        encode_file(peer, arguments.source, arguments.target, arguments.setting, arguments.threads)
    else:
        decode_file(peer, arguments.source, arguments.target, arguments.threads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
