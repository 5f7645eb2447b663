"""What a golden file must always decode to: it stands beside the file, as JSON."""

import json
import zlib
from dataclasses import fields
from pathlib import Path

import numpy as np

from golden.scenes import VERSION

SPREAD_PX = 17


def facts(path: Path) -> dict:
    """What a file must always decode to: head, checksums of all symbols, of invalid and of exact pixels, and levels at some places.

    Levels of learned bands may differ in the last digits between machines; everything else may not.
    """
    from sarcodec.decoding.scene import SceneDecoder
    from sarcodec.format.claims import claims_json, unpack_claims
    from sarcodec.format.reader import FileReader

    with FileReader(path) as file:
        decoder, head = SceneDecoder(file), file.header
        places = [(tile, plane) for tile in range(decoder.grid.count) for plane in range(head.planes)]
        described = decoder.info
        return {
            "version": VERSION,
            "bytes": file.size,
            "file_crc32": f"{zlib.crc32(Path(path).read_bytes()):08x}",
            "rows": head.rows,
            "cols": head.cols,
            "dtype": head.dtype,
            "masks": head.masks,
            "blocks": len(file.directory.blocks),
            "skipped": list(head.skipped),
            "claims": json.loads(claims_json(unpack_claims(head.claims, len(head.bands)))),
            "attachments": [[a.name, a.size, f"{zlib.crc32(file.attachment(a.name)):08x}"] for a in head.attachments],
            "step": head.base_step,
            "model": head.model_id,
            "digest": head.model_digest.hex(),
            "bands": [{f.name: getattr(band, f.name) for f in fields(band)} for band in head.bands],
            "nodata": list(described.nodata),
            "transform": described.transform and list(described.transform),
            "control_points": [[p.row, p.col, p.x, p.y, p.z] for p in described.gcps],
            "names": list(described.descriptions),
            "tiles": [plane_facts(decoder, file, tile, plane) for tile, plane in places],
            "levels_db": [levels_of(decoder, *place) for place in places if decoder.kind(place[1]) == "learned"],
        }


def plane_facts(decoder, file, tile: int, plane: int) -> dict:
    """Of one tile and plane: of a learned band its symbols and invalid pixels, of any other all pixels."""
    from sarcodec.format.sections import symbols_checksum
    from sarcodec.signal.radiometry import valid_mask

    symbols, entry = decoder.symbols(tile, plane), file.entry(tile, plane)
    about = {"step": entry.step, "bytes": entry.length, "sections": [s.kind for s in file.sections(tile, plane)]}
    if decoder.kind(plane) != "learned":
        return {"pixels": f"{zlib.crc32(symbols.astype(symbols.dtype.newbyteorder('<')).tobytes()):08x}", **about}
    pixels = decoder.tile_pixels(tile, plane)
    valid = valid_mask(pixels, decoder.measures[plane])
    invalid = zlib.crc32(
        pixels.view(f"<u{pixels.itemsize}")[~valid].tobytes(), zlib.crc32(np.packbits(valid).tobytes())
    )
    return {
        "symbols": symbols.size,
        "checksum": f"{symbols_checksum(symbols):04x}",
        "crc32": f"{zlib.crc32(symbols.astype('<i4').tobytes()):08x}",
        "valid": int(valid.sum()),
        "invalid": f"{invalid:08x}",
        **about,
    }


def levels_of(decoder, tile: int, band: int) -> str:
    """Levels in dB at some places of a tile."""
    from sarcodec.signal.radiometry import normalise

    level, _ = normalise(decoder.tile_pixels(tile, band), decoder.measures[band])
    return " ".join(f"{x:.2f}" for x in level[::SPREAD_PX, ::SPREAD_PX].reshape(-1))
