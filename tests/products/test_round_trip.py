"""A product goes into one file and comes back: bit for bit, or with what changed said in its manifest and its name."""

import hashlib
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
import rasterio.shutil

import sarcodec
from products.small_safe import COLS, PREFIX, ROWS, TAIL, Odd, make_product, pixels
from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.products.again import unpack_recipe
from sarcodec.products.manifest import crc16

SAFE = "{http://www.esa.int/safe/sentinel-1.0}"


def tree(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def unpacked(archive: Path) -> dict[str, bytes]:
    """All files of a zip archive."""
    with zipfile.ZipFile(archive) as found:
        return {name: found.read(name) for name in found.namelist()}


def listed(manifest: bytes) -> dict[str, tuple[int, str]]:
    """Size and checksum of each file that a manifest lists."""
    found = {}
    for stream in ElementTree.fromstring(manifest).iter("byteStream"):
        path = stream.find("fileLocation").get("href").removeprefix("./")
        found[path] = int(stream.get("size")), stream.findtext("checksum")
    return found


def check_manifest(files: dict[str, bytes]) -> None:
    """It is true of every file that it lists."""
    said = listed(files["manifest.safe"])
    assert len(said) == 10
    assert said == {path: (len(files[path]), hashlib.md5(files[path]).hexdigest()) for path in said}


def measurements(folder: Path) -> list[Path]:
    """VV first."""
    return sorted((folder / "measurement").iterdir(), key=lambda path: path.stem[-3:])


def test_a_lossless_product_comes_back_byte_for_byte(lossless, tmp_path):
    report = sarcodec.decompress(lossless.file, tmp_path)
    assert Path(report.path) == tmp_path / lossless.product.name
    assert tree(Path(report.path)) == tree(lossless.product)
    assert report.notes == () and (report.rows, report.cols, report.bands) == (ROWS, COLS, 2)


def test_a_lossless_product_comes_back_as_an_archive_that_can_be_compressed(lossless, tmp_path):
    sarcodec.decompress(lossless.file, tmp_path / "p.zip")
    expected = {f"{lossless.product.name}/{path}": data for path, data in tree(lossless.product).items()}
    assert unpacked(tmp_path / "p.zip") == expected
    sarcodec.compress(tmp_path / "p.zip", tmp_path / "again.sarc", lossless=True)
    assert (tmp_path / "again.sarc").read_bytes() == lossless.file.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.sarc", "p.zip"]  # nothing unpacked is left


def test_measurements_of_an_archive_are_stored_so_that_windows_can_be_read(lossless, tmp_path):
    sarcodec.decompress(lossless.file, tmp_path / "p.zip")
    with zipfile.ZipFile(tmp_path / "p.zip") as archive:
        kinds = {info.filename.split("/")[1]: info.compress_type for info in archive.infolist()}
    assert kinds["measurement"] == zipfile.ZIP_STORED and kinds["annotation"] == zipfile.ZIP_DEFLATED


def test_an_archive_is_always_the_same(lossless, tmp_path):
    for name in ("a.zip", "b.zip"):
        sarcodec.decompress(lossless.file, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize(
    "odd", [Odd(order=">"), Odd(tail=b""), Odd(checksum="SHA3-256")], ids=["big-endian", "no tail", "sha3"]
)
def test_other_tiffs_and_checksums_come_back_byte_for_byte(tmp_path, odd):
    pytest.importorskip("imagecodecs")
    product = make_product(tmp_path, odd)
    sarcodec.compress(product, tmp_path / "p.sarc", lossless=True)
    (tmp_path / "out").mkdir()
    report = sarcodec.decompress(tmp_path / "p.sarc", tmp_path / "out")
    assert tree(Path(report.path)) == tree(product)


def test_a_lossy_product_says_what_changed(lossy, tmp_path):
    report = sarcodec.decompress(lossy.file, tmp_path)
    before, after = tree(lossy.product), tree(Path(report.path))
    changed = {path for path in before if before[path] != after[path]}
    assert before.keys() == after.keys()
    assert changed == {path for path in before if path.startswith("measurement/") or path == "manifest.safe"}
    check_manifest(after)
    assert Path(report.path).name == f"{PREFIX}{crc16(after['manifest.safe'])}.SAFE" != lossy.product.name
    assert report.notes == ()


def test_the_step_of_processing_stands_around_the_earlier_ones(lossy, tmp_path):
    report = sarcodec.decompress(lossy.file, tmp_path)
    root = ElementTree.fromstring((Path(report.path) / "manifest.safe").read_bytes())
    step = root.find(f".//metadataObject[@ID='processing']/metadataWrap/xmlData/{SAFE}processing")
    assert step.get("name") == "SAR Compression"
    assert step.find(f"{SAFE}facility/{SAFE}software").get("name") == "sarcodec"
    *said, source = step.findall(f"{SAFE}resource")
    assert (source.get("name"), source.get("role")) == (lossy.product.name, "Level-1 GRD Product")
    assert source.find(f"{SAFE}processing").get("name") == "GRD Post Processing"
    assert said[0].get("name").startswith("lapped32 ")
    assert said[1].get("name") == "quality 55, reconstruct power, speckle keep"


def test_comments_of_a_manifest_are_no_list(tmp_path):
    product = make_product(tmp_path)
    path = product / "manifest.safe"
    text = path.read_text()
    first = re.search(r"<dataObject\b.*?</dataObject>", text, re.DOTALL)[0]
    step = re.search(r'<metadataObject ID="processing".*?</metadataObject>', text, re.DOTALL)[0]
    inner = first.replace("<checksum", "<!-- <checksum>0</checksum> --><checksum", 1)
    changed = text.replace(first, f"<!-- {first} -->\n{inner}").replace(step, f"<!-- {step} -->\n{step}")
    path.write_text(changed)
    sarcodec.compress(product, tmp_path / "p.sarc", quality=30, effort=0, as_is=True)
    back = Path(sarcodec.decompress(tmp_path / "p.sarc", tmp_path / "back.SAFE").path)
    files = tree(back)
    check_manifest(files)
    found = files["manifest.safe"].decode()
    assert f"<!-- {first} -->" in found and f"<!-- {step} -->" in found and found.count("SAR Compression") == 1


def test_lossy_measurements_keep_their_frame_and_have_the_pixels_of_decompress(lossy, tmp_path):
    report = sarcodec.decompress(lossy.file, tmp_path, speckle="restore")
    sarcodec.decompress(lossy.file, tmp_path / "whole.tif", speckle="restore")
    with rasterio.open(tmp_path / "whole.tif") as whole:
        for band, (old, new) in enumerate(zip(measurements(lossy.product), measurements(Path(report.path))), 1):
            size = 2 * ROWS * COLS
            before, after = old.read_bytes(), new.read_bytes()
            head = len(before) - size - len(TAIL)
            assert before[:head] == after[:head] and after.endswith(TAIL) and len(before) == len(after)
            with rasterio.open(old) as first, rasterio.open(new) as second:
                assert np.array_equal(second.read(1), whole.read(band))
                assert not np.array_equal(second.read(1), first.read(1))
                assert second.tags() == first.tags() and len(second.gcps[0]) == len(first.gcps[0]) == 4


def test_what_is_read_is_the_same_with_little_memory(lossy, tmp_path):
    """Tiles come in stripes then."""
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    plain = sarcodec.decompress(lossy.file, tmp_path / "a")
    small = sarcodec.decompress(lossy.file, tmp_path / "b", memory=256 << 20, threads=1)
    assert tree(Path(plain.path)) == tree(Path(small.path))


@pytest.mark.parametrize("target", ["", "p.zip"])
def test_gdal_opens_what_comes_back(lossy, tmp_path, target):
    report = sarcodec.decompress(lossy.file, tmp_path / target)
    name = f"/vsizip/{report.path}/{_inner(report.path)}" if target else report.path
    with rasterio.open(f"{name}/manifest.safe") as found:
        assert (found.driver, found.count, found.shape, len(found.gcps[0])) == ("SAFE", 2, (ROWS, COLS), 4)
        by_name = {found.tags(band)["POLARIZATION"]: found.read(band) for band in found.indexes}
    with sarcodec.open(lossy.file) as scene:
        assert np.array_equal(by_name["VV"], scene.read(1)) and np.array_equal(by_name["VH"], scene.read(2))


def _inner(archive: str) -> str:
    with zipfile.ZipFile(archive) as found:
        return found.namelist()[0].partition("/")[0]


def test_a_folder_that_is_not_there_is_no_name_for_pixels(lossy, tmp_path):
    with pytest.raises(
        InvalidArgument, match=r"make the folder first, or take a name that ends in \.SAFE, \.zip, or \.tif"
    ):
        sarcodec.decompress(lossy.file, tmp_path / "folder")
    assert not list(tmp_path.iterdir())
    sarcodec.decompress(lossy.file, tmp_path / "pixels.tif")


def test_a_name_that_is_given_is_kept_and_the_right_one_is_said(lossy, tmp_path):
    report = sarcodec.decompress(lossy.file, tmp_path / "mine.SAFE")
    assert Path(report.path) == tmp_path / "mine.SAFE"
    right = f"{PREFIX}{crc16((tmp_path / 'mine.SAFE' / 'manifest.safe').read_bytes())}.SAFE"
    assert report.notes == (f"By its manifest the product is called {right}.",)


def test_both_polarisations_are_bands_of_one_file(lossless, lossy):
    for kept in (lossless, lossy):
        with sarcodec.open(kept.file) as scene:
            assert scene.descriptions == ("VV", "VH") and scene.units == ("DN", "DN")
            assert len(scene.gcps[0]) == 4
            assert scene.tags()["TIFFTAG_SOFTWARE"] == "Sentinel-1 IPF 003.91"
            assert scene.product.name == kept.product.name and scene.product.polarisations == ("VV", "VH")
            assert scene.attachment("safe/manifest.safe") == (kept.product / "manifest.safe").read_bytes()
    with sarcodec.open(lossless.file) as scene:
        assert all(np.array_equal(scene.read(band + 1), pixels(band)) for band in (0, 1))


def test_verify_and_evaluate_take_the_product(lossy, tmp_path):
    from sarcodec.api.comparison import compare_scenes

    check = sarcodec.verify(lossy.file, against=lossy.product)
    assert check.passed and check.comparison.description_identical
    report = sarcodec.decompress(lossy.file, tmp_path)
    found = compare_scenes(lossy.product, report.path)
    assert found.passed and found.domain == "amplitude" and 0 < found.rmse_db < 3


def test_the_manifest_and_the_archive_may_be_named(lossy, tmp_path):
    sarcodec.compress(lossy.product / "manifest.safe", tmp_path / "p.sarc", quality=55)
    assert (tmp_path / "p.sarc").read_bytes() == lossy.file.read_bytes()


def test_attachments_of_the_user_stand_beside_the_product(lossy, tmp_path):
    sarcodec.compress(lossy.product, tmp_path / "p.sarc", quality=40, attachments={"note.txt": b"mine"})
    with sarcodec.open(tmp_path / "p.sarc") as scene:
        assert scene.attachment("note.txt") == b"mine" and scene.product
    report = sarcodec.decompress(tmp_path / "p.sarc", tmp_path / "b.SAFE")
    assert not list(Path(report.path).rglob("note.txt"))


def cog_product(folder: Path, resampling: str = "", behind: bytes = b"") -> Path:
    """A product whose measurements are compressed and tiled, and whose manifest holds. resampling: of the overviews of a COG, as Copernicus
    makes them; "": no COG; behind: what follows the TIFF."""
    product = make_product(folder)
    manifest = (product / "manifest.safe").read_bytes()
    for path in measurements(product):
        old = hashlib.md5(path.read_bytes()).hexdigest()
        with rasterio.open(path) as source:
            words, points, image = source.tags(), source.gcps, source.read(1)
        options = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "zstd", "nodata": 0}
        plain = folder / "plain.tif" if resampling else path
        with rasterio.open(
            plain, "w", driver="GTiff", width=COLS, height=ROWS, count=1, dtype="uint16", **options
        ) as target:
            target.gcps = points
            target.update_tags(**words, GRD_ORIGINAL_HEADER_SIZE="1234")
            target.write(image, 1)
        if resampling:
            how = {"compress": "ZSTD", "blocksize": "128", "overview_count": "2", "bigtiff": "NO"}
            rasterio.shutil.copy(plain, path, driver="COG", overview_resampling=resampling, **how)
            plain.unlink()
        data = path.read_bytes() + behind
        path.write_bytes(data)
        manifest = manifest.replace(old.encode(), hashlib.md5(data).hexdigest().encode())
        place = manifest.index(path.name.encode())
        begin = manifest.rindex(b'size="', 0, place)
        manifest = manifest[:begin] + re.sub(rb'size="\d+"', b'size="%d"' % len(data), manifest[begin:], count=1)
    (product / "manifest.safe").write_bytes(manifest)
    return product.rename(folder / f"{PREFIX}{crc16(manifest)}_COG.SAFE")


@pytest.mark.parametrize("resampling, behind", [("RMS", b"head and tail of the TIFF, packed"), ("AVERAGE", b"")])
@pytest.mark.parametrize("target", ["out", "out.zip"])
def test_cogs_come_back_byte_for_byte_where_a_trial_succeeds(tmp_path, resampling, behind, target):
    pytest.importorskip("imagecodecs")
    product = cog_product(tmp_path, resampling, behind)
    before = sorted(tmp_path.iterdir())
    report = sarcodec.compress(product, tmp_path / "p.sarc", lossless=True)
    assert report.notes == () and sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "p.sarc"])
    (tmp_path / "out").mkdir()
    back = sarcodec.decompress(tmp_path / "p.sarc", tmp_path / target)
    assert back.notes == ()
    found = unpacked(Path(back.path)) if target == "out.zip" else tree(Path(back.path).parent)
    assert found == {f"{product.name}/{path}": data for path, data in tree(product).items()}


def test_a_cog_of_other_pixels_is_not_said_to_come_back(tmp_path, monkeypatch):
    """Another GDAL may make other bytes when it decompresses than it did when it compressed: then the manifest says so."""
    pytest.importorskip("imagecodecs")
    product = cog_product(tmp_path, "RMS")
    sarcodec.compress(product, tmp_path / "p.sarc", lossless=True)
    from sarcodec.products import again

    make = again.make_cog
    monkeypatch.setattr(again, "make_cog", lambda a, b, options: make(a, b, {**options, "compress": "DEFLATE"}))
    back = sarcodec.decompress(tmp_path / "p.sarc", tmp_path / "back.SAFE")
    check_manifest(tree(Path(back.path)))
    assert sum("another GeoTIFF" in note for note in back.notes) == 2
    with rasterio.open(measurements(Path(back.path))[0]) as found:
        assert np.array_equal(found.read(1), pixels(0))


def test_a_recipe_of_other_options_is_damage():
    for data in (b"", b"[]", b"{}", b'{"driver": "VRT"}', b'{"compress": 5}'):
        with pytest.raises(CorruptFile, match="recipe"):
            unpack_recipe(data, b"")


def test_compressed_measurements_come_back_with_pixels_and_tags(tmp_path):
    pytest.importorskip("imagecodecs")
    product = cog_product(tmp_path)
    check_manifest(tree(product))
    report = sarcodec.compress(product, tmp_path / "p.sarc", lossless=True)
    assert sum("another GeoTIFF" in note for note in report.notes) == 2
    back = sarcodec.decompress(tmp_path / "p.sarc", tmp_path)
    assert sum("another GeoTIFF" in note for note in back.notes) == 2
    files = tree(Path(back.path))
    check_manifest(files)
    assert Path(back.path).name == f"{PREFIX}{crc16(files['manifest.safe'])}_COG.SAFE"
    assert b'name="lossless, 0 dB at most"' in files["manifest.safe"]
    for old, new in zip(measurements(product), measurements(Path(back.path))):
        with rasterio.open(old) as first, rasterio.open(new) as second:
            assert np.array_equal(first.read(1), second.read(1))
            assert second.tags() == first.tags() and first.nodata == second.nodata == 0
            assert [(p.x, p.y, p.row, p.col) for p in first.gcps[0]] == [
                (p.x, p.y, p.row, p.col) for p in second.gcps[0]
            ]
