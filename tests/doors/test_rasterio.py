"""The virtual GeoTIFF in rasterio: pixels, masks and all that is said are those of decompress; damage is an error, never pixels."""

import shutil
import threading

import numpy as np
import pytest
import rasterio
from rasterio.errors import RasterioIOError
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

import sarcodec
import sarcodec.rasterio
from api.scenes import amplitude
from doors.scenes import decompressed
from sarcodec.errors import InvalidArgument, NotSarcodec
from sarcodec.format import tiling
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.description import read_info
from sarcodec.raster.geotiff import SceneWriter

pytestmark = pytest.mark.tools


def back(path):
    """The GeoTIFF of decompress, which `decompressed` has written."""
    return path.with_suffix(".back.tif")


@pytest.mark.parametrize("which", ["scene", "map_scene"])
def test_everything_is_that_of_decompress(request, which):
    path, pixels = request.getfixturevalue(which)
    with sarcodec.rasterio.open(path) as found, rasterio.open(back(path)) as wanted:
        assert read_info(found) == read_info(wanted) or repr(read_info(found)) == repr(
            read_info(wanted)
        )  # NaN is not NaN
        assert found.tags() == wanted.tags() and found.tags(ns="SARCODEC") == wanted.tags(ns="SARCODEC") != {}
        np.testing.assert_array_equal(found.read(), pixels)
        np.testing.assert_array_equal(found.dataset_mask(), wanted.dataset_mask())
        assert (
            found.block_shapes == [(512, 512)] * found.count
            and found.profile["interleave"] == wanted.profile["interleave"]
        )


def test_windows_and_threads(scene):
    path, pixels = scene
    with sarcodec.rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(2, window=Window(500, 490, 60, 50)), pixels[1, 490:540, 500:560])
        found = []
        job = threading.Thread(target=lambda: found.append(dataset.read()))
        job.start(), job.join()
    np.testing.assert_array_equal(found[0], pixels)


def test_a_dataset_each_in_many_threads(scene):
    path, pixels = scene
    opener, found = sarcodec.rasterio.Opener(), {}

    def job(band):
        with rasterio.open(str(path), opener=opener) as dataset:
            found[band] = dataset.read(band % 2 + 1)

    jobs = [threading.Thread(target=job, args=(number,)) for number in range(4)]
    [job.start() for job in jobs], [job.join() for job in jobs]
    for band in range(4):
        np.testing.assert_array_equal(found[band], pixels[band % 2])


def masked(folder, mask, values=(0, 255)):
    """A scene of two bands whose masks are written with it."""
    rng, rows, cols = np.random.default_rng(5), 530, 610
    info = SceneInfo(
        rows,
        cols,
        2,
        "uint16",
        mask=mask,
        masked_bands=(True, mask == "dataset"),
        mask_form="internal" if mask == "dataset" else "sidecar",
    )
    whole = tiling.Window(0, 0, rows, cols)
    with SceneWriter(folder / "in.tif", info) as writer:
        for band, pixels in enumerate(amplitude(6, rows, cols, 2)):
            writer.write(band, whole, pixels)
        for plane in range(info.mask_planes):
            lone = mask == "bands" and plane == 1
            writer.write_mask(
                plane,
                whole,
                np.full((rows, cols), 255, np.uint8) if lone else rng.choice(values, (rows, cols)).astype("uint8"),
            )
    sarcodec.compress(folder / "in.tif", folder / "masked.sarc", threads=1)
    return folder / "masked.sarc"


@pytest.mark.parametrize("mask,values", [("dataset", (0, 255)), ("dataset", (0, 100, 255)), ("bands", (0, 255))])
def test_masks_are_those_of_decompress(tmp_path, mask, values):
    path = masked(tmp_path, mask, values)
    pixels = decompressed(path)
    with sarcodec.rasterio.open(path) as found, rasterio.open(back(path)) as wanted:
        assert found.mask_flag_enums == wanted.mask_flag_enums
        assert not wanted.read_masks().all()
        np.testing.assert_array_equal(found.read_masks(), wanted.read_masks())
        np.testing.assert_array_equal(found.read(), pixels)


def test_options_are_those_of_open(scene):
    path, pixels = scene
    with sarcodec.rasterio.open(path, reconstruct="log", memory=256 << 20) as dataset:
        found = dataset.read()
    assert (found != pixels).any()
    np.testing.assert_array_equal(found, sarcodec.open(path, reconstruct="log").read())


def test_warps_by_its_control_points(scene):
    with sarcodec.rasterio.open(scene[0]) as dataset, rasterio.open(back(scene[0])) as other:
        found, wanted = (WarpedVRT(d, crs="EPSG:32632").read(1) for d in (dataset, other))
    np.testing.assert_array_equal(found, wanted)


def test_rioxarray_reads_through_the_opener(scene):
    rioxarray = pytest.importorskip("rioxarray")
    found = rioxarray.open_rasterio(str(scene[0]), opener=sarcodec.rasterio.Opener())
    np.testing.assert_array_equal(found.values, scene[1])
    assert len(found.rio.get_gcps()) == 20


def test_damage_is_an_error_and_never_pixels(scene, tmp_path, caplog):
    data = bytearray(scene[0].read_bytes())
    data[-200] ^= 255  # in a payload: head and index are whole
    (tmp_path / "bad.sarc").write_bytes(data)
    with sarcodec.rasterio.open(tmp_path / "bad.sarc") as dataset, pytest.raises(RasterioIOError):
        dataset.read()
    assert "checksum does not hold" in caplog.text


def test_an_error_within_the_decoder_is_no_pixels_either(scene, monkeypatch):
    from sarcodec.decoding.scene import SceneDecoder

    with sarcodec.rasterio.open(scene[0]) as dataset:
        monkeypatch.setattr(SceneDecoder, "tile_plane", lambda *given: (_ for _ in ()).throw(MemoryError()))
        with pytest.raises(RasterioIOError):
            dataset.read(1)


def test_what_cannot_be_opened_says_why(tmp_path, scene):
    with pytest.raises(FileNotFoundError):
        sarcodec.rasterio.open(tmp_path / "absent.sarc")
    (tmp_path / "text.sarc").write_bytes(b"text" * 99)
    with pytest.raises(NotSarcodec):
        sarcodec.rasterio.open(tmp_path / "text.sarc")
    with pytest.raises(RasterioIOError):
        rasterio.open(str(tmp_path / "text.sarc"), opener=sarcodec.rasterio.Opener())
    with pytest.raises(InvalidArgument, match="reading"):
        sarcodec.rasterio.open(scene[0], mode="r+")


def test_a_new_file_under_the_name_is_seen(scene, map_scene, tmp_path):
    path, opener = tmp_path / "a b ü.sarc", sarcodec.rasterio.Opener()
    for source, pixels in (scene, map_scene):
        shutil.copy(source, path)
        with rasterio.open(str(path), opener=opener) as dataset:
            np.testing.assert_array_equal(dataset.read(1, window=Window(0, 0, 9, 7)), pixels[0, :7, :9])


def test_opens_a_hundred_times(scene):
    opener, held = sarcodec.rasterio.Opener(), threading.active_count()
    for _ in range(100):
        with rasterio.open(str(scene[0]), opener=opener) as dataset:
            assert dataset.count == 2
    assert threading.active_count() == held


@pytest.mark.parametrize("which", ["scene", "map_scene"])
def test_overviews_are_the_reduced_pictures(request, which):
    path, _ = request.getfixturevalue(which)
    with sarcodec.open(path) as scene, sarcodec.rasterio.open(path) as whole:
        sides = [side for side in (8, 16, 32) if max(scene.shape) >= side * 64]
        assert whole.overviews(1) == sides
        for level, side in enumerate(sides):
            with rasterio.open(path, opener=sarcodec.rasterio.Opener(), overview_level=level) as found:
                np.testing.assert_array_equal(found.read(), scene.read(reduce=side))
                np.testing.assert_array_equal(found.dataset_mask(), scene.dataset_mask(reduce=side))
                assert found.nodata is whole.nodata or repr(found.nodata) == repr(whole.nodata)


@pytest.mark.parametrize("masked", ["mask", "nodata", None])
def test_an_overview_has_the_masks_of_the_scene(tmp_path, masked):
    pixels = amplitude(5, 1700, 2600)
    pixels[:, :300, :500] = 0
    about = {"mask": np.where(pixels[0], 255, 0).astype("uint8"), "nodata": 0, None: None}
    options = {masked: about[masked]} if masked else {}
    (tmp_path / "a.sarc").write_bytes(sarcodec.encode(pixels, quality=30, effort=0, domain="amplitude", **options))
    with sarcodec.open(tmp_path / "a.sarc") as scene:
        for level, side in enumerate((8, 16, 32)):
            opener = sarcodec.rasterio.Opener()
            with rasterio.open(tmp_path / "a.sarc", opener=opener, overview_level=level) as found:
                np.testing.assert_array_equal(found.read(1), scene.read(1, reduce=side))
                np.testing.assert_array_equal(found.dataset_mask(), scene.dataset_mask(reduce=side))
                assert (found.dataset_mask() == 0).any() == (masked is not None)


def test_a_small_picture_decodes_no_whole_tile(tmp_path, monkeypatch):
    (tmp_path / "a.sarc").write_bytes(
        sarcodec.encode(amplitude(6, 1700, 2600), quality=30, effort=0, domain="amplitude")
    )
    monkeypatch.setattr("sarcodec.decoding.scene.SceneDecoder.tile_pixels", None)
    with sarcodec.rasterio.open(tmp_path / "a.sarc") as found:
        assert found.read(1, out_shape=(200, 300)).std() > 0


def test_masks_of_single_bands_leave_overviews_out(tmp_path):
    pixels = amplitude(7, 700, 700, 2)
    masks = (pixels > 200).astype("uint8") * 255
    (tmp_path / "a.sarc").write_bytes(sarcodec.encode(pixels, quality=30, effort=0, domain="amplitude", mask=masks))
    with sarcodec.rasterio.open(tmp_path / "a.sarc") as found:
        assert found.overviews(1) == []
