"""A research file (.sara): a scene's quantised latents of a study model, head and bands, to bytes and back.

Order of docs/format.md. Knows no raster, no network and no model: what latents and metadata mean is the caller's
affair.
"""

from __future__ import annotations

import math
import os
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarcodec.errors import CorruptFile, InvalidArgument, NewerVersion, NotSarcodec, TruncatedFile
from sarcodec.format import container
from sarcodec.format.measure import DOMAINS
from sarcodec.format.varint import Cursor, pack_varint
from sarcodec.storage import Output
from sarcodec.storage.forms import RESEARCH
from sarcodec_lab.study.files import latent_fit, latent_stream
from sarcodec_lab.study.files.tiles import CELL_PX, MAX_TILE_PX, Layout, lead

MAGIC, VERSION = b"\x89SRA", 0
DIGEST_BYTES = 16
OFFSETS_A_DB = 256
MAX_SIDE, MAX_PIXELS = 1 << 20, 1 << 29
MAX_CHANNELS, MAX_LATENTS, MAX_BANDS = 1024, 1 << 25, 64
DTYPES = container.DTYPES[:4]

_MODEL_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SHORTEST = len(MAGIC) + 1 + 4


@dataclass(frozen=True)
class Head:
    """What a file says before its latents. model_digest: the first 16 bytes of the model's; offsets_q: level of each
    band in 1/256 dB; step_multiplier: a float32, on the model's own steps; metadata: bytes of the scene's description.

    Raises InvalidArgument when a limit of docs/format.md is broken.
    """

    model_id: str
    model_digest: bytes
    layout: Layout
    channels: int
    dtype: str
    domain: str
    step_multiplier: float
    offsets_q: tuple[int, ...]
    metadata: bytes = b""

    def __post_init__(self) -> None:
        for broken, text in _broken_laws(self):
            if broken:
                raise InvalidArgument(f"head of a research file: {text}")

    @property
    def latent_shape(self) -> tuple[int, int, int, int]:
        """(tiles, channels, rows, cols) of every band."""
        return (self.layout.count, self.channels, *self.layout.cells)

    @property
    def offsets_db(self) -> tuple[float, ...]:
        return tuple(offset / OFFSETS_A_DB for offset in self.offsets_q)


@dataclass(frozen=True, eq=False)
class BandData:
    """One band: latents (tiles, channels, rows, cols) of whole numbers; mask: `bitstream.mask` bytes, b'' if all valid.

    Latents that the layout does not keep come back as those of the tile before.
    """

    latents: np.ndarray
    mask: bytes = b""


def _broken_laws(head: Head) -> list[tuple[bool, str]]:
    layout, multiplier = head.layout, head.step_multiplier
    latents = math.prod((layout.count, *layout.cells)) * head.channels
    is_float32 = math.isfinite(multiplier) and 1e-30 < multiplier < 1e30 and float(np.float32(multiplier)) == multiplier
    return [
        (not _MODEL_ID.fullmatch(head.model_id), f"model id {head.model_id!r}, expected 1 to 64 of a-z 0-9 . _ -"),
        (len(head.model_digest) != DIGEST_BYTES, f"model digest of {len(head.model_digest)} bytes, expected 16"),
        (max(layout.rows, layout.cols) > MAX_SIDE, f"{layout.rows} x {layout.cols} pixels, a side may have {MAX_SIDE}"),
        (
            layout.rows * layout.cols > MAX_PIXELS,
            f"{layout.rows} x {layout.cols} pixels, expected {MAX_PIXELS} at most",
        ),
        (not 1 <= head.channels <= MAX_CHANNELS, f"{head.channels} channels, expected 1 to {MAX_CHANNELS}"),
        (latents > MAX_LATENTS, f"{latents} latents a band, expected {MAX_LATENTS} at most"),
        (head.dtype not in DTYPES, f"dtype {head.dtype!r}, expected one of {', '.join(DTYPES)}"),
        (head.domain not in DOMAINS, f"domain {head.domain!r}, expected one of {', '.join(DOMAINS)}"),
        (not is_float32, f"step multiplier {multiplier}, expected a float32 between 1e-30 and 1e30"),
        (not 1 <= len(head.offsets_q) <= MAX_BANDS, f"{len(head.offsets_q)} bands, expected 1 to {MAX_BANDS}"),
        (any(not -32768 <= offset <= 32767 for offset in head.offsets_q), "a band's level is beyond 128 dB"),
    ]


def pack(head: Head, bands: list[BandData]) -> bytes:
    """The whole file. Raises InvalidArgument where bands do not fit the head."""
    if len(bands) != len(head.offsets_q) or any(band.latents.shape != head.latent_shape for band in bands):
        shapes = [band.latents.shape for band in bands]
        raise InvalidArgument(f"latents of {shapes}; expected {len(head.offsets_q)} bands of {head.latent_shape}")
    parts, kept = [MAGIC, bytes([VERSION]), _pack_head(head)], head.layout.kept
    for band in bands:
        stream = latent_stream.encode(band.latents, latent_fit.fit(band.latents, kept), kept)
        parts += [pack_varint(len(band.mask)), band.mask, pack_varint(len(stream)), stream]
    body = b"".join(parts)
    return body + struct.pack("<I", zlib.crc32(body))


def unpack(data: bytes) -> tuple[Head, list[BandData]]:
    """The way back. Raises NotSarcodec, NewerVersion, TruncatedFile, CorruptFile."""
    cursor = _opened(data)
    head, bands = _unpack_head(cursor), []
    for _ in head.offsets_q:
        mask = cursor.take(cursor.varint("mask length"), "mask")
        stream = cursor.take(cursor.varint("latents length"), "latents")
        bands.append((mask, stream))
    if cursor.left:
        raise CorruptFile(f"{cursor.left} bytes follow the last band, expected none; the file is damaged")
    return head, [BandData(_decoded(stream, head), mask) for mask, stream in bands]


def _decoded(stream: bytes, head: Head) -> np.ndarray:
    return lead(latent_stream.decode(stream, head.latent_shape, head.layout.kept), head.layout)


def head_length(head: Head) -> int:
    """Bytes of a file that are not of its bands: magic, version, head, checksum."""
    return _SHORTEST + len(_pack_head(head))


def unpack_head(data: bytes) -> Head:
    """What a file says, without its latents. Raises as `unpack`."""
    return _unpack_head(_opened(data))


def read(path: str | os.PathLike) -> bytes:
    """The bytes of a research file. Raises InvalidArgument where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read: {error.strerror}; check the path") from error


def write(path: str | os.PathLike, data: bytes, overwrite: bool = False) -> None:
    """The file appears under its name whole, or not at all. Raises as storage.Output."""
    with Output(path, overwrite=overwrite, form=RESEARCH) as output:
        output.write(data)


def _opened(data: bytes) -> Cursor:
    """A cursor after the version; magic, version and checksum tried."""
    if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
        raise NotSarcodec(f"this is not a research file: it begins with {data[:4]!r}, expected {MAGIC!r}")
    if len(data) < _SHORTEST:
        raise TruncatedFile(f"the file ends after {len(data)} bytes, inside its head; fetch it again")
    if data[len(MAGIC)] > VERSION:
        raise NewerVersion(f"the file has version {data[len(MAGIC)]}, this sarcodec reads {VERSION}; upgrade it")
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise CorruptFile("the checksum does not hold; the file is damaged or cut, fetch it again")
    cursor = Cursor(data[:-4], "research file")
    cursor.take(len(MAGIC) + 1, "magic and version")
    return cursor


def _pack_head(head: Head) -> bytes:
    layout, name = head.layout, head.model_id.encode("ascii")
    sizes = (layout.rows, layout.cols, layout.tile_px // CELL_PX, layout.overlap_px // CELL_PX)
    return b"".join(
        [
            bytes([DTYPES.index(head.dtype) | DOMAINS.index(head.domain) << 4]),
            bytes([len(name)]) + name + head.model_digest,
            *map(pack_varint, (*sizes, head.channels, len(head.offsets_q))),
            struct.pack(f"<f{len(head.offsets_q)}h", head.step_multiplier, *head.offsets_q),
            pack_varint(len(head.metadata)) + head.metadata,
        ]
    )


def _unpack_head(cursor: Cursor) -> Head:
    kinds = cursor.unsigned(1, "dtype and domain")
    if kinds & 15 >= len(DTYPES) or kinds >> 4 >= len(DOMAINS):
        raise CorruptFile(f"research file: dtype and domain {kinds:#04x} mean nothing; the file is damaged")
    name = cursor.take(cursor.unsigned(1, "length of the model id"), "model id").decode("latin-1")
    digest = cursor.take(DIGEST_BYTES, "model digest")
    rows, cols = cursor.varint("rows", 1, MAX_SIDE), cursor.varint("columns", 1, MAX_SIDE)
    tile_px = cursor.varint("tile size", 0, MAX_TILE_PX // CELL_PX) * CELL_PX
    overlap_px = cursor.varint("overlap", 0, MAX_TILE_PX // CELL_PX) * CELL_PX
    channels, count = cursor.varint("channels", 1, MAX_CHANNELS), cursor.varint("bands", 1, MAX_BANDS)
    multiplier = struct.unpack("<f", cursor.take(4, "step multiplier"))[0]
    offsets = struct.unpack(f"<{count}h", cursor.take(2 * count, "band levels"))
    metadata = cursor.take(cursor.varint("metadata length"), "metadata")
    try:
        layout = Layout(rows, cols, tile_px, overlap_px)
        return Head(
            name, digest, layout, channels, DTYPES[kinds & 15], DOMAINS[kinds >> 4], multiplier, offsets, metadata
        )
    except InvalidArgument as error:
        raise CorruptFile(f"{error}; the file is damaged") from error
