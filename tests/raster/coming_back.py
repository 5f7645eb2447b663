"""What has to come back of a raster: all that it says, but for what a test names."""

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.transform import from_origin

from raster.rasters import (
    COLS,
    ROWS,
    differing,
    round_trip,
    tiff,
)  # fmt: skip
from sarcodec.raster.quiet import open_writer

ARTIST, XMP, GDAL_METADATA = 315, 700, 42112
GRID = from_origin(500_000, 6_000_000, 10, 10)


def comes_back(source, folder, notes=(), but=()):
    """Everything but the facts `but`, and no word is said about a loss beyond those that `notes` match."""
    back = folder / "back.tif"
    said = round_trip(source, back)
    assert {name: pair for name, pair in differing(source, back).items() if name not in but} == {}
    assert len(said) == len(notes), said
    for pattern, sentence in zip(notes, said, strict=True):
        assert pattern in sentence
    return sorted(path.name[len("back.tif") :] for path in folder.iterdir() if path.name.startswith("back.tif."))


def a_mask(kind=0):
    mask = np.full((ROWS, COLS), 255, np.uint8)
    mask[:, : 7 + kind], mask[15:, 20:] = 0, 0
    return mask


def masked(path, internal, count=2, **options):
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal):
        tiff(path, count, setup=lambda d: d.write_mask(a_mask()), **options)
    assert (path.parent / f"{path.name}.msk").exists() != internal
    return path


def side_mask(path, values, flags):
    with open_writer(
        f"{path}.msk", driver="GTiff", height=ROWS, width=COLS, count=len(values), dtype="uint8", compress="lzw"
    ) as file:
        file.update_tags(**{f"INTERNAL_MASK_FLAGS_{band}": flag for band, flag in flags.items()})
        file.write(np.stack(values))


def listed(some, info=""):
    return "".join(
        f'<GCP Id="{p.id}" Info="{info}" Pixel="{p.col!r}" Line="{p.row!r}" X="{p.x!r}" Y="{p.y!r}" Z="{p.z!r}"/>'
        for p in some
    )
