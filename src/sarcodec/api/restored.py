"""A product out of a compressed file: the part of decompressing that makes a folder or an archive instead of a GeoTIFF."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from sarcodec.api import choices
from sarcodec.api.memory import decoding_shares
from sarcodec.decoding.band_kinds import largest_bound, mode_of
from sarcodec.decoding.reconstruction import Reconstruction
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.decoding.workers import Workers, workers
from sarcodec.entropy.step_index import quality_of_step
from sarcodec.errors import InvalidArgument
from sarcodec.format.claims import unpack_claims
from sarcodec.format.container import Header
from sarcodec.format.reader import FileReader
from sarcodec.format.tiling import Window
from sarcodec.products.layout import Product, product_of
from sarcodec.products.output import ProductOutput, is_product_name
from sarcodec.products.restoring import ProductWriter, Restored
from sarcodec.products.updating import Processing
from sarcodec.raster.blocks import block_cache
from sarcodec.storage.refusals import shown


@dataclass(frozen=True, kw_only=True)
class Restoring:
    """How a product is made. only_parts: keywords that were given and ask for a part of the scene, which is no product."""

    target: choices.Path
    wanted: Reconstruction
    threads: int | None
    memory: int
    overwrite: bool
    progress: choices.Progress | None
    only_parts: tuple[str, ...]


def product_for(file: FileReader, target: choices.Path) -> Product | None:
    """The product that a target asks for, by its name or as a folder that is there. Raises InvalidArgument where a name asks for one and
    the file holds none."""
    name = os.fsdecode(target) if isinstance(target, (str, bytes, os.PathLike)) else ""
    is_bare = bool(name) and not PurePath(name).suffix and not os.path.lexists(name) and name != "-"
    if not is_product_name(name) and not os.path.isdir(name) and not is_bare:
        return None
    product = product_of(file)
    if product is not None and is_bare:
        raise InvalidArgument(
            f"{shown(name)} is no folder that is there, and says not what to make of a product; make the folder first, or take a name that ends in "
            ".SAFE, .zip, or .tif for its pixels alone"
        )
    if product is None and is_product_name(name):
        raise InvalidArgument(
            f"{file.name} holds a scene and no product, of which {shown(name)} could be made; take a name that ends in .tif"
        )
    return product


def restore(file: FileReader, product: Product, how: Restoring, source: choices.Compressed) -> Restored:
    """Raises InvalidArgument, OutputExists, FormatError's kin, SarcodecError; then nothing appears."""
    if how.only_parts:
        raise InvalidArgument(
            f"{how.only_parts[0]} asks for a part of the scene, and a product is whole; leave it out, or take a name that ends in .tif"
        )
    header = file.header
    shares = decoding_shares(how.memory, how.threads)
    decoder = SceneDecoder(file, shares.tiles, how.wanted)
    with ProductOutput(how.target, how.overwrite, (source,)) as output:
        output.require_space(header.rows * header.cols * len(header.bands) * np.dtype(header.dtype).itemsize)
        with (
            workers(shares.threads) as pool,
            block_cache(shares.blocks),
            ProductWriter(file, product, output) as writer,
        ):
            _write(decoder, pool, writer, how.progress)
            return writer.finish(step_of(header, product, how.wanted))


def _write(decoder: SceneDecoder, pool: Workers, writer: ProductWriter, progress: choices.Progress | None) -> None:
    window, bands = Window(0, 0, decoder.info.rows, decoder.info.cols), list(range(decoder.info.count))
    total = len(bands) * len(decoder.grid.touched(window))

    def decoded(place: tuple[int, int]) -> tuple[int, int, Any]:
        return *place, decoder.tile_plane(*place)

    for done, (tile, band, pixels) in enumerate(pool.map(decoded, decoder.walk(window, bands, pool.threads))):
        writer.write(band, decoder.grid.window(tile), pixels)
        if progress:
            progress(done + 1, total)


def step_of(header: Header, product: Product, wanted: Reconstruction) -> Processing:
    """What a manifest says of the step; without a time, so that a file always makes the same product."""
    claims = unpack_claims(header.claims, len(header.bands))
    software, _, version = (claims.software if claims else "sarcodec").partition(" ")
    resources: tuple[tuple[str, str], ...]
    if header.learned:
        settings = f"quality {quality_of_step(header.base_step):.6g}, reconstruct {wanted.reconstruct}, speckle {wanted.speckle}"
        resources = (
            (f"{header.model_id} {header.model_digest.hex()}", "Compression Model"),
            (settings, "Compression Settings"),
        )
    else:
        resources = ((f"{mode_of(header.bands)}, {largest_bound(header) or 0:g} dB at most", "Compression Settings"),)
    return Processing("SAR Compression", software, version, product.name, resources)
