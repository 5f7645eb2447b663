"""Makes the golden files that are not there yet: small scenes, compressed with the shipped model, and beside each what it must always decode to.

    python tests/golden/make.py [NAME ...]    those that SCENES and PROMISED have and the folder has not, or of them those whose names begin so

Version 1 is frozen: a file that is there is never made anew, and `frozen.json` holds the checksum of each (a test compares). What a later release adds to the format gets files of new names.
v0-refused.sarc is the one file of version 0 that is left; v1-product.sarc is made by product.py.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "src"), str(HERE.parent)]  # where it is run by itself

from golden.constructed import CHANGED
from golden.facts import facts
from golden.frozen import freeze
from golden.scenes import PROMISED, SCENES, Scene


def write_scene(scene: Scene, path: Path) -> dict:
    """The scene as a GeoTIFF; gives the keywords for compress."""
    from rasterio.crs import CRS

    from sarcodec.format.scene import GroundControlPoint, SceneInfo
    from sarcodec.format.tiling import Window
    from sarcodec.raster.geotiff import SceneWriter

    pixels, about, options = scene
    about = dict(about, gcps=tuple(GroundControlPoint(*p) for p in about.get("gcps", ())))
    about |= {k: CRS.from_string(about[k]).to_wkt() for k in ("crs_wkt", "gcp_crs_wkt") if k in about}
    bands, rows, cols = pixels.shape
    info = SceneInfo(rows, cols, bands, pixels.dtype.name, **about)
    with SceneWriter(path, info) as writer:
        for band in range(bands):
            writer.write(band, Window(0, 0, rows, cols), pixels[band])
        for plane in range(info.mask_planes):
            writer.write_mask(plane, Window(0, 0, rows, cols), np.where(pixels[0] == 65535, 0, 255).astype(np.uint8))
    return options


def main() -> None:
    """Makes those that are missing and whose names begin with an argument, or all that are missing; then their checksums."""
    import sarcodec

    wanted = tuple(sys.argv[1:]) or ("",)
    for name, make in (SCENES | PROMISED).items():
        if not name.startswith(wanted) or (HERE / f"{name}.sarc").exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "scene.tif", HERE / f"{name}.sarc"
            sarcodec.compress(source, target, overwrite=True, **write_scene(make(), source))
        if name in CHANGED:
            target.write_bytes(CHANGED[name](target.read_bytes()))
        found = facts(target)
        target.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
        print(f"{target.name}: {found['bytes']} bytes, {len(found['tiles'])} tiles", file=sys.stderr)
    freeze()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
