"""A raster through a study model into a research file, and back to a GeoTIFF: true bits are the bytes on disk.

In: paths, and a model as `networks.autoencoders.published` loads it (anything with its methods will do). Whole scenes are held in
memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sarcodec.errors import CorruptFile, InvalidArgument, UnknownModel, UnsupportedScene
from sarcodec.format.mask import pack_invalid, unpack_invalid
from sarcodec.format.scene import SceneInfo, pack_scene, unpack_scene
from sarcodec.raster.geotiff import read_array, write_array
from sarcodec.raster.meaning import scene_meaning
from sarcodec.signal.filling import fill_invalid
from sarcodec.signal.radiometry import Measure, normalise, restore
from sarcodec.storage import check_output
from sarcodec.storage.forms import RESEARCH
from sarcodec_lab.study.files import latent_choice, latent_file
from sarcodec_lab.study.files.latent_choice import RATE_WEIGHT
from sarcodec_lab.study.files.latent_file import DIGEST_BYTES, OFFSETS_A_DB, BandData, Head
from sarcodec_lab.study.files.latent_stream import LARGEST
from sarcodec_lab.study.files.tiles import Layout, split, stitch

SUFFIX = ".sara"
WHOLE_PX = 1 << 20  # a convolutional model sees a scene of more pixels in tiles: its first maps are 64 times as large
LARGE_TILE_PX = 512
BATCH_PX = 1 << 18
_OFFSET_MAX_DB = 127
_SAMPLE = 1 << 20
_NAMESPACE = "SARCODEC"


@dataclass(frozen=True)
class EncodeReport:
    """bytes of the file; bits_per_pixel: of each pixel and band; clipped_share: of the valid pixels, beyond what the
    model sees; payload_bytes: of the latents and masks alone, without head and description; tiles of each band."""

    bytes: int
    bits_per_pixel: float
    clipped_share: float
    payload_bytes: int
    tiles: int


def encode_scene(
    path,
    model,
    step_multiplier: float,
    out,
    overlap_px: int = 32,
    overwrite: bool = False,
    domain: str = "auto",
    rate_weight: float = RATE_WEIGHT,
) -> EncodeReport:
    """Compress the raster at `path` with a study model into the research file `out`.

    overlap_px: of the tiles of a model that is bound to its tile, and of a scene too large to be seen whole.
    rate_weight: squared steps that a bit is worth where latents are made whole numbers (`latent_choice`); 0: always the
    nearest. Raises InvalidArgument, OutputExists, UnreadableScene, UnsupportedScene.
    """
    if not 0 <= rate_weight < np.inf:
        raise InvalidArgument(f"rate weight {rate_weight}, expected 0 (nearest whole numbers) or a finite number above")
    check_output(out, overwrite=overwrite, inputs=[path], form=RESEARCH)
    pixels, info = read_array(path)
    domain = _domain(pixels, info, domain)
    layout = layout_for(model, info.rows, info.cols, overlap_px)
    levels = [normalise(band, Measure(domain, nodata=nodata)) for band, nodata in zip(pixels, info.nodata)]
    offsets = tuple(_offset_q(level, valid) for level, valid in levels)
    head = Head(
        model.id, model.digest[:DIGEST_BYTES], layout, model.latent_channels, info.dtype, domain,
        float(np.float32(step_multiplier)), offsets, pack_scene(info),
    )  # fmt: skip
    bands = [
        BandData(_latents(model, head, level, valid, offset, rate_weight), pack_invalid(band, valid))
        for band, (level, valid), offset in zip(pixels, levels, head.offsets_db)
    ]
    data = latent_file.pack(head, bands)
    latent_file.write(out, data, overwrite)
    overhead = latent_file.head_length(head)
    clipped = clipped_share(model.scale, levels, head.offsets_db)
    return EncodeReport(len(data), 8 * len(data) / pixels.size, clipped, len(data) - overhead, layout.count)


def decode_scene(path, model, out_tif, overwrite: bool = False) -> None:
    """Decode a research file to a GeoTIFF with all that was said of the scene; invalid pixels come back as they were.

    Raises FormatError's kin, UnknownModel where the file was made with another model, OutputExists, InvalidArgument.
    """
    head, bands = latent_file.unpack(latent_file.read(path))
    _check_model(head, model)
    layout = head.layout
    info = unpack_scene(head.metadata, layout.rows, layout.cols, len(bands), head.dtype)
    pixels = np.empty((info.count, info.rows, info.cols), info.dtype)
    for number, (band, offset) in enumerate(zip(bands, head.offsets_db)):
        level = _levels(model, head, band.latents, offset)
        pixels[number] = _restored(level, band.mask, Measure(head.domain, nodata=info.nodata[number]), info)
    write_array(out_tif, pixels, _tagged(info, head), overwrite)


def _domain(pixels: np.ndarray, info: SceneInfo, wanted: str) -> str:
    """The one domain of all bands. UnsupportedScene for what a research file has no words for: several domains, fills, scaled dB."""
    rows = [band.reshape(-1)[:_SAMPLE] for band in pixels]
    meanings = scene_meaning(info, rows, [None] * info.count, wanted)
    measures = [meaning.measure for meaning in meanings]
    domains = {measure.domain if measure else "no radar" for measure in measures}
    if len(domains) > 1 or None in measures or any(m.fills or (m.domain == "db" and not m.is_plain) for m in measures):
        raise UnsupportedScene(
            f"bands are {', '.join(sorted(domains))}, with scales {info.scales}; a research file takes radar bands of one domain, dB without scale, and no fill "
            "values that are not declared as nodata. Take such bands out"
        )
    return domains.pop()


def layout_for(model, rows: int, cols: int, overlap_px: int) -> Layout:
    """The model's own tiles, or else the whole scene, or large tiles where that would take too much memory."""
    tile_px = model.tile_px or (LARGE_TILE_PX if rows * cols > WHOLE_PX else 0)
    return Layout(rows, cols, tile_px, overlap_px if tile_px else 0)


def clipped_share(scale, levels, offsets_db) -> float:
    """Of the valid pixels of all bands, the share whose level the scale cuts off."""
    clipped = total = 0
    for (level, valid), offset in zip(levels, offsets_db):
        low, high = (scale.to_level(unit, offset) for unit in scale.clip)
        clipped += np.count_nonzero(((level < low) | (level > high)) & valid)
        total += np.count_nonzero(valid)
    return float(clipped / max(total, 1))


def _offset_q(level_db: np.ndarray, valid: np.ndarray) -> int:
    usual = level_db[valid & (np.abs(level_db) <= _OFFSET_MAX_DB)]  # an undeclared fill value must not shift the band
    return int(np.rint(usual.mean(dtype=np.float64) * OFFSETS_A_DB)) if usual.size else 0


def _latents(
    model, head: Head, level_db: np.ndarray, valid: np.ndarray, offset_db: float, rate_weight: float
) -> np.ndarray:
    """Whole numbers (tiles, channels, rows, cols); 0 where no pixel is valid."""
    if not valid.any():
        return np.zeros(head.latent_shape, np.int32)
    unit = model.scale.to_unit(fill_invalid(level_db, valid), offset_db).astype(np.float32)
    tiles = split(unit, head.layout)[:, None]
    latents = np.concatenate([model.analyse(batch) for batch in _batches(tiles, head.layout)])
    if latents.shape != head.latent_shape or not np.isfinite(latents).all():
        raise InvalidArgument(
            f"the model gives {latents.shape}, or numbers that are not finite; expected {head.latent_shape}"
        )
    in_steps = latents / _steps(model, head)
    largest = np.rint(np.abs(in_steps).max())
    if largest > LARGEST:
        raise InvalidArgument(f"latents reach {largest:.3g} steps, at most {LARGEST}; take a larger step")
    return latent_choice.choose(in_steps, head.layout.kept, rate_weight)


def _levels(model, head: Head, latents: np.ndarray, offset_db: float) -> np.ndarray:
    values = latents.astype(np.float32) * _steps(model, head)
    unit = np.concatenate([model.synthesise(batch) for batch in _batches(values, head.layout)])
    level = model.scale.to_level(stitch(unit[:, 0], head.layout), offset_db).astype(np.float32)
    if not np.isfinite(level).all():
        raise CorruptFile("the latents decode to levels that are not finite; the file or the model is damaged")
    return level


def _restored(level_db: np.ndarray, mask: bytes, measure: Measure, info: SceneInfo) -> np.ndarray:
    valid, invalid_pixels = unpack_invalid(mask, level_db.shape, info.dtype)
    pixels, bits = restore(level_db, measure, info.dtype), f"u{invalid_pixels.itemsize}"
    pixels.view(bits)[~valid] = invalid_pixels.view(bits)[~valid]  # as bits: a NaN has a pattern to keep
    return pixels


def _batches(tiles: np.ndarray, layout: Layout):
    size = max(1, BATCH_PX // (layout.tile_shape[0] * layout.tile_shape[1]))
    return (tiles[begin : begin + size] for begin in range(0, len(tiles), size))


def _steps(model, head: Head) -> np.ndarray:
    """(channels, 1, 1) float32."""
    steps = np.asarray(model.card["steps"], np.float32) * np.float32(head.step_multiplier)
    if steps.shape != (head.channels,) or not (np.isfinite(steps) & (steps > 0)).all():
        raise InvalidArgument(f"model {model.id} has {steps.shape} steps; expected {head.channels} numbers above 0")
    return steps[:, None, None]


def _check_model(head: Head, model) -> None:
    if model.id != head.model_id or not model.digest.startswith(head.model_digest):
        raise UnknownModel(
            f"the file was made with model {head.model_id} of digest {head.model_digest.hex()}, this is {model.id} of "
            f"{model.digest[:DIGEST_BYTES].hex()}; load that one"
        )
    if model.latent_channels != head.channels or (model.tile_px and model.tile_px != head.layout.tile_px):
        raise CorruptFile(
            f"the file has {head.channels} channels and tiles of {head.layout.tile_px} pixels, model {model.id} has "
            f"{model.latent_channels} and {model.tile_px}; the file is damaged"
        )


def _tagged(info: SceneInfo, head: Head) -> SceneInfo:
    """The scene's description with a record of what it went through."""
    record = (
        ("MODEL", head.model_id),
        ("MODEL_DIGEST", head.model_digest.hex()),
        ("STEP_MULTIPLIER", f"{head.step_multiplier:.6g}"),
    )
    kept = tuple(group for group in info.tags if group[0] != _NAMESPACE)
    return replace(info, tags=(*kept, (_NAMESPACE, record)))
