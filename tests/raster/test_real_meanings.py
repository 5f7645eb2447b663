"""Real images are what they are, whatever is said of them."""

import csv
from pathlib import Path

import pytest

from raster.meanings import DATA, cases, outcome
from sarcodec.raster.geotiff import read_array
from sarcodec.raster.meaning import scene_meaning


def images() -> list[tuple[Path, str]]:
    if not (DATA / "index.csv").exists():
        return []
    with open(DATA / "index.csv", newline="") as file:
        listed = [DATA / row["file"] for row in csv.DictReader(file)]
    known = [(path, "amplitude") for path in listed if path.suffix == ".tif" and "complex" not in path.parts]
    known += [(path, "db") for path in sorted((DATA / "products").glob("*db.tif"))]
    return known + [(path, "amplitude") for path in sorted((DATA / "products").glob("*.tiff"))]


needs_data = pytest.mark.skipif(not images(), reason=f"no index.csv in {DATA} (SARCODEC_DATA)")


@needs_data
def test_every_real_image_is_what_it_is():
    wrong = []
    for path, domain in images():
        pixels, info = read_array(path)
        found = scene_meaning(info, [band.reshape(-1) for band in pixels], [None] * info.count)
        wrong += [(path.name, m) for m in found if m.measure is None or m.measure.domain != domain or m.measure.fills]
    assert not wrong


@needs_data
@pytest.mark.parametrize("part", range(3))
def test_no_real_image_is_taken_for_something_else(part):
    found = []
    for path, _ in [pair for pair in images() if pair[1] == "amplitude"][part * 11 :: 47]:
        band = read_array(path)[0][0][:256, :256]
        found += [(path.name, outcome(case)) for case in cases(band)] if (band > 0).mean() > 0.5 else []
    assert not [one for one in found if one[1] not in ("right", "refused")]
    assert found and sum(one[1] == "right" for one in found) > 0.6 * len(found)
