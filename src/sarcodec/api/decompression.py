"""The verb decompress: a compressed file to a GeoTIFF."""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarcodec.api import choices
from sarcodec.api.asked import asked_window, chosen_indexes
from sarcodec.api.attached import AttachmentFolder
from sarcodec.api.cog_decompression import check_parts, one_mask, sides_of, write_levels
from sarcodec.api.memory import DEFAULT_MEMORY, checked_memory, decoding_shares
from sarcodec.api.restored import Restoring, product_for, restore
from sarcodec.api.view import View, reduced_view
from sarcodec.decoding.band_kinds import largest_bound, mode_of
from sarcodec.decoding.reconstruction import Reconstruction
from sarcodec.decoding.reduced_scene import ReducedSceneDecoder
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.decoding.tile import TILE_PX
from sarcodec.decoding.workers import Workers, workers
from sarcodec.entropy.step_index import quality_of_step, step_db
from sarcodec.format.claims import claims_json, unpack_claims
from sarcodec.format.container import Header
from sarcodec.format.reader import FileReader
from sarcodec.format.scene import SceneInfo, excerpt
from sarcodec.format.tiling import Window, overlap
from sarcodec.products.output import is_product_name
from sarcodec.products.restoring import Restored
from sarcodec.raster.blocks import Blocks, block_cache
from sarcodec.raster.cog_writer import CogWriter
from sarcodec.raster.geotiff import SceneWriter, files_of
from sarcodec.raster.scene_writer import SIDE_FILES
from sarcodec.storage.forms import GEOTIFF
from sarcodec.storage.output import Output

TAG_NAMESPACE = "SARCODEC"


@dataclass(frozen=True, kw_only=True)
class DecompressReport:
    """What was written. notes: what of the scene could not be given back, in sentences; attachments: how many were written."""

    path: str
    rows: int
    cols: int
    bands: int
    seconds: float
    notes: tuple[str, ...] = ()
    attachments: int = 0


def tagged(scene: SceneInfo, decoder: SceneDecoder | ReducedSceneDecoder) -> SceneInfo:
    """The scene's description with a record of what it went through, in a tag namespace of its own."""
    h = decoder.header
    promise = (("MODE", mode_of(h.bands)), ("MAX_ERROR_DB", f"{largest_bound(h):g}")) if not h.learned else ()
    record: tuple[tuple[str, str], ...] = promise or (
        ("MODEL", h.model_id),
        ("MODEL_DIGEST", h.model_digest.hex()),
        ("STEP_DB", f"{step_db(h.base_step):.6g}"),
        ("QUALITY", f"{quality_of_step(h.base_step):.6g}"),
        ("RECONSTRUCT", decoder.wanted.reconstruct),
        ("SPECKLE", decoder.wanted.speckle),
    )
    if isinstance(decoder, ReducedSceneDecoder):
        record = (
            *(item for item in record if item[0] not in ("RECONSTRUCT", "SPECKLE")),
            ("REDUCE", str(decoder.side)),
        )
    claims = unpack_claims(h.claims, len(h.bands))
    if claims is not None:
        record = (*record, ("CLAIMS", claims_json(claims)))
    kept = tuple(t for t in scene.tags if t[0] != TAG_NAMESPACE)
    return replace(scene, tags=(*kept, (TAG_NAMESPACE, record)))


def decompress(
    source: choices.Compressed,
    target: choices.Path,
    *,
    indexes: choices.Indexes | None = None,
    window: choices.WindowLike | None = None,
    reduce: choices.Reduce | None = None,
    cog: bool = False,
    reconstruct: choices.Reconstruct = "power",
    speckle: choices.Speckle = "keep",
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
    attachments: choices.Path | None = None,
    overwrite: bool = False,
    progress: choices.Progress | None = None,
) -> DecompressReport:
    """Decompress a file, or a window and some bands of it, to a GeoTIFF with everything that was said of the scene.

    Args:
        source: path of the compressed file; or its bytes, or a file object in binary mode.
        target: path of the GeoTIFF to write; '-' for standard output. Of a file that holds a product also NAME.SAFE, NAME.zip, or a folder that is
            there, in which the product gets its own name: a product again, which is whole (no window, indexes, reduce, attachments).
        indexes: a band, from 1, or several in the order in which they are wanted; default all.
        window: rasterio.windows.Window, a pair of slices, or ((row_start, row_stop), (col_start, col_stop)); default all.
        reduce: 8, 16 or 32: a picture of so much lower resolution: the reduced pixels that the window touches, of their mean power, as in `Scene.read`.
            The transform, and all else that tells places, is scaled with them.
        cog: write a cloud-optimised GeoTIFF of the whole scene, with overviews of mean power at 1/2, 1/4, 1/8, 1/16 and 1/32, down to a picture of one block.
            Those from 1/8 on are the file's own reduced pictures.
        reconstruct: 'power' (pixels of unbiased power) or 'log' (the least squared error in dB).
        speckle: 'keep', or 'restore' what was lost of it (made up, of the right strength and spectrum; the tags say so).
        threads: how many tiles are decoded at once; default one a core.
        memory: bytes that the process may take, at least 256 MiB (default: 1 GiB), whatever the size of the scene.
        attachments: folder that gets the file's attachments, each under its name, whole or not at all; default none.
        overwrite: replace files that are there, once the new ones are whole.
        progress: called with the number of tiles that are done and of all.

    Raises:
        InvalidArgument: for a window or band that the scene has not, and other arguments that have no meaning.
        FormatError: one of its kinds, where the file is damaged or no sarcodec file.
        ModelError: where the file needs a model that is not here.
        OutputExists: where `target` is there and `overwrite` is not set.
        SarcodecError: where the disk refuses. On every error nothing appears under `target`.
    """
    began, wanted = time.perf_counter(), Reconstruction(reconstruct, speckle)
    bytes_of_memory = checked_memory(memory)
    with FileReader(source) as file:
        product = product_for(file, target)
        if product is not None:
            parts = {
                "window": window,
                "indexes": indexes,
                "reduce": reduce,
                "attachments": attachments,
                "cog": cog or None,
            }
            how = Restoring(
                target=target,
                wanted=wanted,
                threads=threads,
                memory=bytes_of_memory,
                overwrite=overwrite,
                progress=progress,
                only_parts=tuple(name for name, value in parts.items() if value is not None),
            )
            return _restored(restore(file, product, how, source), os.fspath(target), file.header, began)
        if cog:
            check_parts(window=window, reduce=reduce)
        place = asked_window(window, file.header.rows, file.header.cols)
        shares = decoding_shares(bytes_of_memory, threads, _blocks_across(file.header, place))
        decoder = SceneDecoder(file, shares.tiles, wanted)
        view = View(decoder, place) if reduce is None else reduced_view(decoder, place, reduce, shares.tiles)
        bands = chosen_indexes(indexes, view.decoder.info.count)
        scene = tagged(excerpt(view.decoder.info, view.window, bands), view.decoder)
        folder = (
            None
            if attachments is None
            else AttachmentFolder(file, attachments, overwrite, source=source, others=files_of(target))
        )
        with workers(shares.threads) as pool, block_cache(shares.blocks):
            if cog:
                notes = _write_cog(decoder, bands, scene, (target, overwrite, source), pool, progress)
            else:
                with SceneWriter(target, scene, overwrite, pool.threads, inputs=(source,)) as writer:
                    writer.require_space(_least_bytes(view, bands))
                    _write(view, pool, writer, bands, progress)
                notes = writer.notes
        count = folder.write() if folder else 0
    return DecompressReport(
        path=os.fspath(target),
        rows=view.window.rows,
        cols=view.window.cols,
        bands=len(bands),
        seconds=time.perf_counter() - began,
        notes=notes,
        attachments=count,
    )


def _write_cog(
    decoder: SceneDecoder,
    bands: list[int],
    scene: SceneInfo,
    names: tuple[choices.Path, bool, choices.Compressed],
    pool: Workers,
    progress: choices.Progress | None,
) -> tuple[str, ...]:
    """names: the target, whether it may be replaced, and the source. Returns what of the scene does not come back, in sentences."""
    target, overwrite, source = names
    scene = one_mask(scene)
    with (
        Output(target, overwrite=overwrite, inputs=(source,), sidecars=SIDE_FILES, form=GEOTIFF) as output,
        closing(CogWriter(output, scene, sides_of(scene))) as writer,
    ):
        output.require_space(
            2 * sum(decoder.file.payload_bytes(*place) for place in decoder.each() if place[1] in bands)
        )
        write_levels(decoder, bands, writer, pool, progress)
        writer.finish()
    return writer.notes


def _restored(found: Restored, target: str, header: Header, began: float) -> DecompressReport:
    return DecompressReport(
        path=target if is_product_name(target) else os.path.join(target, found.path.name),
        rows=header.rows,
        cols=header.cols,
        bands=len(header.bands),
        seconds=time.perf_counter() - began,
        notes=found.notes,
        attachments=found.files,
    )


def _least_bytes(view: View, bands: list[int]) -> int:
    """A GeoTIFF of pixels is larger than their compressed form; how much larger is not known before they are decoded. Of a reduced one nothing is."""
    decoder, window = view.decoder, view.window
    if isinstance(decoder, ReducedSceneDecoder):
        return 0
    inside = [
        t for t in decoder.grid.touched(window) if overlap(decoder.grid.window(t), window) == decoder.grid.window(t)
    ]
    return sum(decoder.file.entry(tile, band).length for tile in inside for band in bands)


def _write(
    view: View,
    pool: Workers,
    writer: SceneWriter,
    bands: list[int],
    progress: choices.Progress | None,
) -> None:
    """Bands and masks of a view's window, tile by tile."""
    decoder, window = view.decoder, view.window
    count = decoder.info.count
    masks = [0] if decoder.info.mask_planes == 1 else bands if decoder.info.mask_planes else []
    targets = [(writer.write, i) for i in range(len(bands))] + [(writer.write_mask, i) for i in range(len(masks))]
    planes = [*bands, *(count + mask for mask in masks)]
    total = len(planes) * len(decoder.grid.touched(window))

    def decoded(place: tuple[int, int]) -> tuple[int, int, NDArray[Any]]:
        tile, plane = place
        return tile, plane, decoder.tile_plane(tile, planes[plane], window)

    for done, (tile, plane, pixels) in enumerate(pool.map(decoded, decoder.walk(window, planes, pool.threads))):
        whole, (write, number) = decoder.grid.window(tile), targets[plane]
        shared = overlap(whole, window)
        assert shared is not None  # the tile was chosen because it shares a pixel
        place = Window(shared.row - window.row, shared.col - window.col, *shared.shape)
        write(number, place, np.ascontiguousarray(pixels[shared.within(whole)]))
        if progress:
            progress(done + 1, total)


def _blocks_across(header: Header, window: Window) -> Blocks | None:
    """The blocks of the GeoTIFF, of a band and the one that leans on it, where tiles do not fall on blocks: each is then written in up to
    four parts, and stays in memory until the last."""
    if window.row % TILE_PX == 0 and window.col % TILE_PX == 0:
        return None
    return Blocks(TILE_PX, TILE_PX, 2 * TILE_PX**2 * np.dtype(header.dtype).itemsize, window.shape)
