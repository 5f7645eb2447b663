"""The verb info: what a compressed file says of itself, from its head. Knows no pixels: it loads neither NumPy nor a raster library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sarcodec.decoding.band_kinds import BandKind, kinds_of, largest_bound, mode_of
from sarcodec.entropy.step_index import quality_of_step, step_db
from sarcodec.format.claims import Claims, unpack_claims
from sarcodec.format.container import VERSION
from sarcodec.format.reader import FileReader
from sarcodec.format.remarks import unpack_remarks
from sarcodec.format.scene import unknown_keys, unpack_scene
from sarcodec.products.layout import Product, product_of

if TYPE_CHECKING:
    from sarcodec.api import choices


@dataclass(frozen=True)
class AttachmentInfo:
    """An attachment: its name, its bytes, and how many they take in the file."""

    name: str
    bytes: int
    packed_bytes: int


@dataclass(frozen=True, kw_only=True)
class FileInfo:
    """What a file says of itself without being decoded. bits_per_pixel counts every band's pixels.

    mode: 'learned', 'bounded' (no radar pixel is off by more than max_error_db), 'lossless', or 'exact' where no band is radar; without a
    model in all but the first. domain: of the radar bands, with commas where they differ; band_kinds: each band, and why. masks: planes of
    masks (none, one for all bands, or one a band). claims: what the encoder was asked for and what it measured; skipped_records, skipped_keys: kinds of records
    of the head, and keys of the description, that a later release wrote and this one does not know nor need. product: what product the file
    holds, if it holds one.
    """

    path: str
    bytes: int
    format_version: int
    rows: int
    cols: int
    bands: int
    dtype: str
    domain: str | None
    mode: str
    max_error_db: float | None
    model: str | None
    model_digest: str | None
    quality: float | None
    step: int | None
    step_db: float | None
    tiles: int
    bits_per_pixel: float
    payload_bytes: int
    description_bytes: int
    overhead_bytes: int
    crs_wkt: str | None
    transform: tuple[float, ...] | None
    ground_control_points: int
    nodata: tuple[float | None, ...]
    band_names: tuple[str | None, ...]
    masks: int
    band_kinds: tuple[BandKind, ...]
    claims: Claims | None = None
    attachments: tuple[AttachmentInfo, ...] = ()
    skipped_records: tuple[int, ...] = ()
    skipped_keys: tuple[str, ...] = ()
    product: Product | None = None


def info(path: choices.Compressed) -> FileInfo:
    """Describe a file from its head alone.

    Args:
        path: of the file; or its bytes, or a file object in binary mode.

    Raises:
        InvalidArgument: where the path cannot be opened.
        FormatError: one of its kinds, where the bytes are damaged or no sarcodec file.
    """
    with FileReader(path) as file:
        return info_of(file)


def info_of(file: FileReader) -> FileInfo:
    """The same of a file that is open. Raises CorruptFile."""
    h, payload = file.header, file.directory.base_bytes + file.directory.rest_bytes
    scene = unpack_scene(h.metadata, h.rows, h.cols, len(h.bands), h.dtype)
    kinds = kinds_of(h.bands, unpack_remarks(h.remarks, len(h.bands)))
    step = h.base_step if h.learned else None
    return FileInfo(
        path=file.name,
        bytes=file.size,
        format_version=VERSION,
        rows=h.rows,
        cols=h.cols,
        bands=len(h.bands),
        dtype=h.dtype,
        domain=", ".join(sorted({kind.domain for kind in kinds if kind.domain})) or None,
        mode=mode_of(h.bands),
        max_error_db=largest_bound(h),
        model=h.model_id or None,
        model_digest=h.model_digest.hex() or None,
        quality=None if step is None else quality_of_step(step),
        step=step,
        step_db=None if step is None else step_db(step),
        tiles=h.entry_count // h.planes,
        bits_per_pixel=8 * file.size / (h.rows * h.cols * len(h.bands)),
        payload_bytes=payload,
        description_bytes=len(h.metadata),
        overhead_bytes=file.size - payload - len(h.metadata) - file.directory.attached_bytes,
        crs_wkt=scene.crs_wkt,
        transform=scene.transform,
        ground_control_points=len(scene.gcps),
        nodata=scene.nodata,
        band_names=scene.descriptions,
        masks=h.masks,
        band_kinds=kinds,
        claims=unpack_claims(h.claims, len(h.bands)),
        attachments=tuple(AttachmentInfo(a.name, a.size, a.length) for a in h.attachments),
        skipped_records=h.skipped,
        skipped_keys=unknown_keys(h.metadata),
        product=product_of(file),
    )
