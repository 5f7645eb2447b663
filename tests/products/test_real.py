"""A product as ESA made it, but for its pixels, which are blank: its name, and what other tools say of what comes back."""

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio

import sarcodec
from sarcodec.products.acquisition import read_acquisition
from sarcodec.products.layout import Product
from sarcodec.products.manifest import crc16, read_manifest, right_name

DATA = Path(os.environ.get("SARCODEC_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="module")
def product() -> Path:
    found = sorted((DATA / "products").glob("S1*_GRDH_*.SAFE"))
    if not found:
        pytest.skip(f"no product under {DATA / 'products'}; set SARCODEC_DATA to the folder of the data")
    return found[0]


@pytest.fixture(scope="module")
def restored(product, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    sarcodec.compress(product, folder / "p.sarc", as_is=True)
    return Path(sarcodec.decompress(folder / "p.sarc", folder).path)


def test_the_name_ends_in_the_checksum_of_the_manifest(product):
    manifest = (product / "manifest.safe").read_bytes()
    assert product.stem[-4:] == crc16(manifest)
    assert right_name(product.name, manifest) == product.name


def test_the_manifest_is_read(product):
    found = read_manifest((product / "manifest.safe").read_bytes(), product.name)
    assert (found.mission, found.mode, found.product_type) == (product.name[:3], product.name[4:6], "GRD")
    assert len(found.objects) == 13
    assert sum(one.representation == "s1Level1MeasurementSchema" for one in found.objects) == 2


@pytest.mark.tools
def test_gdal_opens_what_comes_back(product, restored):
    with rasterio.open(product / "manifest.safe") as before, rasterio.open(restored / "manifest.safe") as after:
        assert (after.driver, after.shape, after.count) == ("SAFE", before.shape, before.count)
        assert [(p.x, p.y) for p in after.gcps[0]] == [(p.x, p.y) for p in before.gcps[0]]
    assert restored.stem[-4:] == crc16((restored / "manifest.safe").read_bytes())


@pytest.mark.tools
def test_xarray_sentinel_opens_what_comes_back(restored):
    pytest.importorskip("xarray_sentinel")
    xarray = pytest.importorskip("xarray")
    image = xarray.open_dataset(restored, engine="sentinel-1", group="IW/VV").measurement
    part = image[1000:1010, 2000:2020]
    with sarcodec.open(restored.parent / "p.sarc") as scene:
        assert image.shape == scene.shape
        mine = scene.read(1, window=((1000, 1010), (2000, 2020)), masked=True).astype(float).filled(np.nan)
    assert np.array_equal(part.values, mine, equal_nan=True)


@pytest.mark.tools
def test_sarsen_opens_what_comes_back(restored):
    sarsen = pytest.importorskip("sarsen")
    found = sarsen.Sentinel1SarProduct(str(restored), "IW/VV")
    assert found.product_type == "GRD"
    assert found.beta_nought().shape[0] > 16_000


def test_the_manifest_says_when_and_from_where(product):
    about = Product(product.name, product.name[:3], "IW", "GRD", ())
    found = read_acquisition((product / "manifest.safe").read_bytes(), about)
    start, stop = (word.replace("-", "").replace(":", "")[:15] for word in (found.start, found.stop))
    assert product.name[17:48] == f"{start}_{stop}"
    assert found.absolute_orbit == int(product.name[49:55])
    assert found.relative_orbit == (found.absolute_orbit - {"S1A": 73, "S1B": 27}[found.mission]) % 175 + 1
    assert found.orbit_pass in ("ascending", "descending") and found.software[0] == "Sentinel-1 IPF"
    assert read_acquisition(b"<no xml", about).start is None
