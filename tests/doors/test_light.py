"""Light products: other tools open them as the product, with the pixels of the compressed file; nothing of the product is lost."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import RasterioIOError

import sarcodec
from api.scenes import amplitude, store
from products.small_safe import make_product
from sarcodec.doors import light_product
from sarcodec.errors import InvalidArgument, OutputExists, UnsupportedScene
from sarcodec.products.manifest import read_manifest

pytestmark = pytest.mark.tools
TRUST = {"GDAL_VRT_ENABLE_PYTHON": "TRUSTED_MODULES", "GDAL_VRT_PYTHON_TRUSTED_MODULES": "sarcodec.vrt"}
DATA = Path(os.environ.get("SARCODEC_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(autouse=True)
def trusted():
    with rasterio.Env(**TRUST):
        yield


@pytest.fixture(scope="module")
def product(tmp_path_factory) -> Path:
    return make_product(tmp_path_factory.mktemp("product"))


@pytest.fixture(scope="module")
def light(product, tmp_path_factory) -> light_product.LightReport:
    return light_product.write(product, tmp_path_factory.mktemp("light") / "S1A_LIGHT.SAFE", quality=50, effort=0)


def measurements(product: Path) -> list[Path]:
    return sorted((product / "measurement").glob("*.tiff"), key=lambda path: path.stem[-3:])


def test_measurements_are_the_pixels_and_the_words_of_the_file(product, light):
    pixels = sarcodec.open(light.packed).read()
    for band, path in enumerate(measurements(Path(light.path))):
        with rasterio.open(path) as found, rasterio.open(product / "measurement" / path.name) as before:
            assert found.driver == "VRT" and found.count == 1
            np.testing.assert_array_equal(found.read(1), pixels[band])
            assert found.gcps[0] and [(p.x, p.y, p.row, p.col) for p in found.gcps[0]] == [(p.x, p.y, p.row, p.col) for p in before.gcps[0]]  # fmt: skip
            assert before.tags().items() <= found.tags().items()


def test_gdals_driver_opens_it(light):
    pixels = sarcodec.open(light.packed).read()
    with rasterio.open(Path(light.path) / "manifest.safe") as found:
        assert found.driver == "SAFE"
        bands = {found.tags(band)["POLARIZATION"]: found.read(band) for band in found.indexes}
    np.testing.assert_array_equal([bands["VV"], bands["VH"]], pixels)


def test_its_manifest_holds_and_all_else_is_as_it_was(product, light):
    folder = Path(light.path)
    for one in read_manifest((folder / "manifest.safe").read_bytes(), folder.name).objects:
        data = (folder / one.path).read_bytes()
        assert (len(data), hashlib.md5(data).hexdigest()) == (one.size, one.checksum), one.path
    paths = {path.relative_to(product) for path in product.rglob("*") if path.is_file()}
    packed = Path(light.packed).relative_to(folder)
    assert {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} == paths | {packed}
    other = {path for path in paths if path.parts[0] != "measurement"} - {Path("manifest.safe")}
    assert all((folder / path).read_bytes() == (product / path).read_bytes() for path in other)
    assert b"Compression Settings" in (folder / "manifest.safe").read_bytes()


def test_the_file_in_it_is_the_whole_product(product, light, tmp_path):
    assert Path(light.packed).name == f"{product.stem}.sarc"
    back = Path(sarcodec.decompress(light.packed, tmp_path).path)
    names = [path.relative_to(product) for path in product.rglob("*") if path.is_file()]
    assert all((back / name).is_file() for name in names)
    assert light.bytes == sum(path.stat().st_size for path in Path(light.path).rglob("*") if path.is_file())


def test_a_compressed_file_and_an_archive_are_taken_too(product, light, tmp_path):
    again = light_product.write(light.packed, tmp_path / "again.safe", speckle="restore")
    assert again.compressed is None and Path(again.packed).read_bytes() == Path(light.packed).read_bytes()
    with rasterio.open(measurements(Path(again.path))[0]) as found:
        np.testing.assert_array_equal(found.read(1), sarcodec.open(light.packed, speckle="restore").read(1))
    archive = shutil.make_archive(str(tmp_path / product.stem), "zip", product.parent, product.name)
    from_archive = light_product.write(archive, tmp_path / "zipped.SAFE", effort=0)
    assert from_archive.compressed is not None and Path(from_archive.packed).name == f"{product.stem}.sarc"
    assert sorted(os.listdir(tmp_path)) == sorted([f"{product.stem}.zip", "again.safe", "zipped.SAFE"])


def test_one_that_was_moved_says_so_and_one_by_a_relative_path_is_found(light, tmp_path, monkeypatch):
    shutil.copytree(light.path, tmp_path / "here" / "a.SAFE")
    moved = light_product.write(light.packed, tmp_path / "here" / "b.SAFE", relative_to=tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    pixels = sarcodec.open(light.packed).read(2)
    found = measurements(tmp_path / "there" / Path(moved.path).name)[1]
    with rasterio.open(found) as scene, pytest.raises(RasterioIOError):
        scene.read(1)
    monkeypatch.setenv("SARCODEC_VRT_ROOT", str(tmp_path / "there"))
    with rasterio.open(found) as scene:
        np.testing.assert_array_equal(scene.read(1), pixels)


def test_what_is_refused_leaves_nothing(product, light, tmp_path):
    scene = tmp_path / "scene.sarc"
    sarcodec.compress(store(tmp_path / "in.tif", amplitude(1, 60, 70)), scene)
    there = sorted(os.listdir(tmp_path))
    for source, target, how, words in (
        (product, tmp_path / "a.sarc", {}, "expected NAME.SAFE"),
        (scene, tmp_path / "a.SAFE", {}, "holds a scene and no product"),
        (tmp_path / "in.tif", tmp_path / "a.SAFE", {}, "neither a product nor the compressed file of one"),
        (tmp_path / "in.tif", tmp_path / "a.SAFE", {"quality": 9}, "neither a product nor the compressed file of one"),
        (light.packed, tmp_path / "a.SAFE", {"quality": 9}, "says how a product is compressed"),
        (product, tmp_path / "a.SAFE", {"quality": 900}, "quality"),
        (light.packed, Path(light.path), {}, "holds the input"),
    ):
        with pytest.raises(InvalidArgument, match=words):
            light_product.write(source, target, **how)
    assert sorted(os.listdir(tmp_path)) == there
    (tmp_path / "b.SAFE").mkdir()
    (tmp_path / "b.SAFE" / "manifest.safe").write_text("old")
    with pytest.raises(OutputExists):
        light_product.write(light.packed, tmp_path / "b.SAFE")
    light_product.write(light.packed, tmp_path / "b.SAFE", overwrite=True)
    assert len(measurements(tmp_path / "b.SAFE")) == 2


@pytest.mark.parametrize("name", ["{}", "{}/", "link.SAFE"])
def test_a_product_is_never_replaced_by_its_own_light_form(product, tmp_path, name):
    copy = shutil.copytree(product, tmp_path / product.name)
    (tmp_path / "link.SAFE").symlink_to(copy)
    for source in (copy, tmp_path / "link.SAFE", copy / "manifest.safe"):
        with pytest.raises(InvalidArgument, match="holds the input, which would be lost"):
            light_product.write(source, f"{tmp_path}/{name.format(copy.name)}", overwrite=True, effort=0)
    assert sorted(p.read_bytes() for p in measurements(copy)) == sorted(p.read_bytes() for p in measurements(product))


def test_a_light_product_is_not_compressed_once_more(light, tmp_path):
    for write in (sarcodec.compress, light_product.write):
        with pytest.raises(UnsupportedScene, match=r"a light product.* in measurement/S1A_\S+\.sarc already.* give it"):
            write(light.path, tmp_path / "again.SAFE" if write is light_product.write else tmp_path / "again.sarc")
    report = sarcodec.archive(Path(light.path).parent, tmp_path / "out", workers=1)
    assert (report.done, report.refused) == (0, 1)
    assert not list(tmp_path.glob("again*"))


def test_the_command(product, tmp_path):
    def run(*words):
        return subprocess.run([sys.executable, "-m", "sarcodec", "compress", *map(str, words)], capture_output=True, text=True)  # fmt: skip

    done = run(product, tmp_path / "a.SAFE", "--light", "--quality", "40", "--effort", "0")
    assert done.returncode == 0 and "sarcodec.vrt" in done.stdout and "quality 40" in done.stdout, done.stderr
    assert len(measurements(tmp_path / "a.SAFE")) == 2
    alone = run(product, tmp_path / "a.sarc", "--relative-to", tmp_path)
    assert alone.returncode == 2 and "--light" in alone.stderr and not (tmp_path / "a.sarc").exists()


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> light_product.LightReport:
    """Of a product of ESA's, but for its pixels, which are blank."""
    found = sorted((DATA / "products").glob("S1*_GRDH_*.SAFE"))
    if not found:
        pytest.skip(f"no product under {DATA / 'products'}; set SARCODEC_DATA to the folder of the data")
    return light_product.write(found[0], tmp_path_factory.mktemp("real") / found[0].name, as_is=True, effort=0)


def test_xarray_sentinel_opens_the_light_form_of_a_product_of_esa(real):
    pytest.importorskip("xarray_sentinel")
    xarray = pytest.importorskip("xarray")
    image = xarray.open_dataset(real.path, engine="sentinel-1", group="IW/VV").measurement
    with sarcodec.open(real.packed) as scene:
        assert image.shape == scene.shape
        mine = scene.read(1, window=((1000, 1010), (2000, 2020)), masked=True).astype(float).filled(np.nan)
    np.testing.assert_array_equal(image[1000:1010, 2000:2020].values, mine)
    tables = xarray.open_dataset(real.path, engine="sentinel-1", group="IW/VV/calibration")
    assert "sigmaNought" in tables


def test_sarsen_opens_the_light_form_of_a_product_of_esa(real):
    sarsen = pytest.importorskip("sarsen")
    found = sarsen.Sentinel1SarProduct(real.path, "IW/VV")
    assert found.product_type == "GRD"
    with sarcodec.open(real.packed) as scene:
        mine = scene.read(1, window=((1000, 1010), (2000, 2020)), calibrate="beta0")
    np.testing.assert_allclose(found.beta_nought()[1000:1010, 2000:2020].values, mine, rtol=1e-5)
