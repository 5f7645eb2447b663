"""The verbs encode and decode: an array into the bytes of a file, and back. No file is touched, and rasterio is not imported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sarcodec.api import choices
from sarcodec.api.attached import packed
from sarcodec.api.described import AXES_NAMESPACE, TagsLike, Words, info_of, keeps_axis, masks_of, pixels_of
from sarcodec.api.memory import DEFAULT_MEMORY, checked_memory, encoding_shares
from sarcodec.api.request import Request, fulfil
from sarcodec.decoding.workers import workers
from sarcodec.encoding.array_source import ArraySource
from sarcodec.encoding.job import Rooms
from sarcodec.encoding.tile import DEFAULT_EFFORT
from sarcodec.errors import InvalidArgument
from sarcodec.format.writer import BytesWriter


def encode(
    array: ArrayLike,
    *,
    crs: object = None,
    transform: Sequence[float] | None = None,
    gcps: tuple[Iterable[Any], object] | None = None,
    nodata: float | Sequence[float | None] | None = None,
    mask: ArrayLike | None = None,
    descriptions: str | Sequence[str | None] | None = None,
    units: str | Sequence[str | None] | None = None,
    scales: float | Sequence[float] | None = None,
    offsets: float | Sequence[float] | None = None,
    tags: TagsLike | None = None,
    band_tags: Sequence[TagsLike] | None = None,
    quality: float | None = None,
    target_bpp: float | None = None,
    target_size: int | None = None,
    target_rmse_db: float | None = None,
    quality_class: choices.QualityClass | None = None,
    max_error_db: float | None = None,
    lossless: bool = False,
    domain: choices.Domain = "auto",
    exact_bands: choices.Indexes | None = None,
    effort: choices.Effort = DEFAULT_EFFORT,
    independent_bands: bool = False,
    model: str | None = None,
    attachments: choices.Attachments | None = None,
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
    progress: choices.Progress | None = None,
) -> bytes:
    """Encode an array to the bytes of a sarcodec file, which `decode` and `open` take, and which may be written to a file as they are.

    The keywords up to band_tags describe the array; those that are given once a band may also be one value for all bands. From
    quality on they are those of `compress`.

    Args:
        array: (rows, cols) or (bands, rows, cols); uint8, uint16, int16, float32, int8, int32, uint32 or float64. Of a
            numpy.ma.MaskedArray masked pixels are invalid.
        crs: rasterio.crs.CRS, WKT, or what rasterio makes a CRS of ('EPSG:32633', 32633; this imports rasterio).
        transform: affine.Affine, or its six numbers (a, b, c, d, e, f).
        gcps: (points, crs), as `gcps` of an open scene and of a rasterio dataset.
        nodata: the value that means nothing.
        mask: (rows, cols), or (bands, rows, cols) for one a band; uint8 (255 is valid, 0 is not) or bool (True is valid).
        descriptions: name of each band, such as 'VV'.
        units: unit of each band, such as 'dB'.
        scales: of each band: value = pixel * scale + offset.
        offsets: of each band.
        tags: {key: value}; {namespace: {key: value}} for tags of another namespace than the default one.
        band_tags: the same of each band.
        quality: 0 to 100, the quantiser step, which halves every 10 (60: 1 dB).
        target_bpp: bits a pixel and band.
        target_size: bytes, never exceeded.
        target_rmse_db: root mean square error in dB over all valid pixels.
        quality_class: 'archive' or 'analysis', the smallest bytes whose bands all keep to the bounds of that class.
        max_error_db: no valid pixel is off by more. Needs the extra `bounded`.
        lossless: all pixels come back bit for bit. Needs the extra `bounded`.
        domain: what the pixels of radar bands are; 'auto' is what units, names, tags and values say.
        exact_bands: bands, from 1, that are no radar and are kept bit for bit, besides those that are found; (): there are none.
        effort: 0 (fast) up to the smallest file, as in `compress`.
        independent_bands: code every band alone, so that it can be decoded alone.
        model: id of a published model; default the newest.
        attachments: named bytes that are kept beside the pixels, compressed: {'annotation/iw.xml': bytes, or the path of a file}.
        threads: how many tiles are coded at once; default one a core.
        memory: bytes that the process may take beside the array and the result, as in `compress`.
        progress: called with the number of steps that are done and the number that is expected.

    Raises:
        InvalidArgument: for arguments that have no meaning, and arrays of another shape.
        UnsupportedScene: for another pixel type, or where the domain cannot be told.
        TargetNotReached: where a size, rate or error cannot be met on this array.
    """
    request = Request(
        quality=quality,
        target_bpp=target_bpp,
        target_size=target_size,
        target_rmse_db=target_rmse_db,
        quality_class=quality_class,
        max_error_db=max_error_db,
        lossless=lossless,
        domain=domain,
        exact_bands=exact_bands,
        effort=effort,
        independent_bands=independent_bands,
        model=model,
        progress=progress,
    )
    words = Words(
        crs=crs,
        transform=transform,
        gcps=gcps,
        nodata=nodata,
        descriptions=descriptions,
        units=units,
        scales=scales,
        offsets=offsets,
        tags=tags,
        band_tags=band_tags,
    )
    shares = encoding_shares(checked_memory(memory), threads, None, several_passes=request.several_passes)
    source, attached = _source(array, mask, words), packed(attachments)
    with workers(shares.threads) as pool:
        outcome = fulfil(
            request, source, pool, lambda: BytesWriter(attached), None, Rooms(shares.latents, shares.tiles)
        )
    assert isinstance(outcome.writer, BytesWriter)
    return outcome.writer.data


def _source(array: ArrayLike, mask: ArrayLike | None, words: Words) -> ArraySource:
    pixels = pixels_of(array)
    masks = masks_of(array, mask, pixels.shape)
    keep_axis = np.ndim(array) == 3 and len(pixels) == 1
    return ArraySource(info_of(pixels, len(masks), words, keep_axis), pixels, masks)


def decode(
    data: bytes | bytearray | memoryview,
    *,
    indexes: choices.Indexes | None = None,
    window: choices.WindowLike | None = None,
    reduce: choices.Reduce | None = None,
    reconstruct: choices.Reconstruct = "power",
    speckle: choices.Speckle = "keep",
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
) -> NDArray[Any]:
    """Decode the bytes of a sarcodec file to an array of the scene's dtype.

    Without `indexes` it has the shape that `encode` was given: (rows, cols) or (bands, rows, cols). The only band of a file that
    was made by `compress` comes as (rows, cols). With `indexes` it is as in `Scene.read`: (rows, cols) for a number, (bands, rows,
    cols) for a list. All else that the file says is told by `open`, which takes bytes too.

    Args:
        data: the bytes of a whole file.
        indexes: a band, from 1, or several in the order in which they are wanted; default all.
        window: rasterio.windows.Window, a pair of slices, or ((row_start, row_stop), (col_start, col_stop)); default all.
        reduce: 8, 16 or 32: a picture of so much lower resolution, as in `Scene.read`.
        reconstruct: 'power' (pixels of unbiased power) or 'log' (the least squared error in dB).
        speckle: 'keep', or 'restore' what was lost of it (made up, of the right strength and spectrum).
        threads: how many tiles are decoded at once; default one a core.
        memory: bytes that the process may take beside the bytes and the array, as in `decompress`.

    Raises:
        InvalidArgument: for what are no bytes, and for a window or band that the scene has not.
        FormatError: one of its kinds, where the bytes are damaged or no sarcodec file.
        ModelError: where the file needs a model that is not here.
    """
    from sarcodec.api.scene import Scene

    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise InvalidArgument(
            f"decode takes the bytes of a file, not {type(data).__name__}; use sarcodec.open for a path"
        )
    with Scene(bytes(data), threads=threads, memory=memory, reconstruct=reconstruct, speckle=speckle) as scene:
        if indexes is None and not keeps_axis(scene.count, scene.tags(ns=AXES_NAMESPACE)):
            indexes = 1
        return scene.read(indexes, window=window, reduce=reduce)
