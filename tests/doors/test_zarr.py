"""Zarr: a file as one array without a copy, arrays of small files, indexing as NumPy's, damage as an error; VirtualiZarr and icechunk."""

import json
import os

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude
from sarcodec.errors import CorruptFile, InvalidArgument, NotSarcodec

zarr = pytest.importorskip("zarr", reason="zarr (extra zarr) is not installed")
from sarcodec.zarr import SarcodecCodec, SarcodecParser, SarcodecV2, metadata  # noqa: E402

pytestmark = pytest.mark.tools


def linked(folder, path, **settings):
    """A Zarr array on disk whose one chunk is a link to the file."""
    (folder / "c/0/0").mkdir(parents=True)
    (folder / "zarr.json").write_text(json.dumps(metadata(path, **settings)))
    (folder / "c/0/0/0").symlink_to(path)
    return zarr.open_array(folder, mode="r")


@pytest.fixture(scope="module")
def array(scene, tmp_path_factory):
    return linked(tmp_path_factory.mktemp("linked") / "a.zarr", scene[0])


BASIC = [
    np.s_[:], np.s_[0], np.s_[1, 5], np.s_[:, 7, 9], np.s_[..., 3], np.s_[1, 500:530, 490:600], np.s_[:, ::50, ::33], np.s_[0, 600:100:1],
    np.s_[0, 5:5], np.s_[1, 10:690:7, 1099:], np.s_[-1, -3:, -5:], np.s_[0:1, 511:513, 511:513],
]  # fmt: skip
OUTER = [
    ([0, 1], [3, 600, 5], np.array([1, 1, 1000])), (1, [699, 0], slice(3, 900, 100)), (slice(None), slice(0, 3), [5]),
    ([1], np.array([], int), [4, 5]), (0, [3, 3, 2], slice(None)), ([True, False], slice(2, 4), slice(2, 5)),
]  # fmt: skip
POINTS = [
    ([0, 1, 1, 0], [3, 600, 5, 699], [1000, 1, 1, 0]), ([[0], [1]], [[3, 600]], [[1, 2]]), ([], [], []), ([1], [511], [512]),
]  # fmt: skip


def outer(array, index):
    """NumPy's index of each axis on its own."""
    for axis, one in reversed(list(enumerate(index))):
        array = array[(slice(None),) * axis + (one,)]
    return array


@pytest.mark.parametrize("index", BASIC, ids=str)
def test_basic_indexing_is_numpys(array, scene, index):
    np.testing.assert_array_equal(array[index], scene[1][index])


@pytest.mark.parametrize("index", OUTER, ids=str)
def test_outer_indexing_is_numpys(array, scene, index):
    np.testing.assert_array_equal(array.oindex[index], outer(scene[1], index))


@pytest.mark.parametrize("index", POINTS, ids=str)
def test_points_are_numpys(array, scene, index):
    index = tuple(np.array(one, int) for one in index)
    np.testing.assert_array_equal(array.vindex[index], scene[1][index])


def test_a_mask_of_places(array, scene):
    where = np.zeros(scene[1].shape, bool)
    where[0, 3, 4] = where[1, 600, 1000] = True
    np.testing.assert_array_equal(array.get_mask_selection(where), scene[1][where])


def test_metadata_says_what_the_file_says(array, scene, map_scene):
    assert array.metadata.dimension_names == ("band", "y", "x") and array.attrs["descriptions"] == ["VV", "VH"]
    assert array.fill_value == 0 and len(json.loads(array.attrs["gcps"])["features"]) == 20
    said = metadata(map_scene[0])
    assert said["fill_value"] == "NaN" and said["attributes"]["GeoTransform"].startswith("400000.0 10.0")
    assert said["attributes"]["units"] == ["1"] and said["attributes"]["crs_wkt"].startswith("PROJCS")


def test_options_are_those_of_open(scene, tmp_path):
    found = linked(tmp_path / "log.zarr", scene[0], reconstruct="log")[:]
    np.testing.assert_array_equal(found, sarcodec.open(scene[0], reconstruct="log").read())


@pytest.mark.parametrize("concurrency", [1, 64])
def test_a_slice_reads_and_decodes_little(tmp_path, concurrency, monkeypatch):
    """Few requests, a part of the bytes; many selections at once."""
    from zarr.storage import LocalStore

    (tmp_path / "a.sarc").write_bytes(
        sarcodec.encode(amplitude(5, 3000, 3000), quality=70, effort=0, domain="amplitude")
    )
    linked(tmp_path / "a.zarr", tmp_path / "a.sarc")
    asked = []

    class Counted(LocalStore):
        async def get(self, key, prototype=None, byte_range=None):
            found = await super().get(key, prototype, byte_range)
            if key.startswith("c/"):
                asked.append(len(found))
            return found

    with zarr.config.set({"async.concurrency": concurrency}):
        array = zarr.open_array(Counted(tmp_path / "a.zarr", read_only=True), mode="r")
        found = array[0, 1600:1700, 1600:1700]
        size = (tmp_path / "a.sarc").stat().st_size
        assert len(asked) <= 5 and sum(asked) < size / 3, (asked, size)
        np.testing.assert_array_equal(found, sarcodec.open(tmp_path / "a.sarc").read(1)[1600:1700, 1600:1700])


def written(where, pixels, chunks=(512, 512), fill_value=0, **settings):
    store = zarr.create_array(
        where, shape=pixels.shape, dtype=pixels.dtype, chunks=chunks, fill_value=fill_value,
        serializer=SarcodecCodec(**settings), compressors=None, filters=None,
    )  # fmt: skip
    store[:] = pixels
    return zarr.open_array(where, mode="r")


def test_chunks_are_small_files(tmp_path):
    pixels = amplitude(8, 700, 1100)[0]
    pixels[:200, :300] = 0
    found = written(tmp_path / "a.zarr", pixels, quality=70, domain="amplitude")
    assert found.metadata.to_dict()["codecs"] == (
        {"name": "sarcodec", "configuration": {"quality": 70, "domain": "amplitude"}},
    )
    whole = found[:]
    assert ((whole == 0) == (pixels == 0)).all()
    valid = pixels > 0
    error = 20 * np.log10(whole[valid] / pixels[valid])
    assert 0 < np.sqrt(np.mean(error**2)) < 0.4
    chunk = sarcodec.open((tmp_path / "a.zarr/c/0/0").read_bytes())
    np.testing.assert_array_equal(chunk.read(1), whole[:512, :512])
    np.testing.assert_array_equal(found[500:520, 1000:1100:3], whole[500:520, 1000:1100:3])
    stored = sum(path.stat().st_size for path in (tmp_path / "a.zarr/c").rglob("*") if path.is_file())
    assert stored < pixels.nbytes / 3


@pytest.mark.parametrize(
    "settings", [{"lossless": True}, {"max_error_db": 0.1, "domain": "power"}], ids=["lossless", "bounded"]
)
def test_a_stack_in_time(tmp_path, settings):
    pytest.importorskip("imagecodecs", reason="imagecodecs (extra bounded) is not installed")
    pixels = (amplitude(9, 130, 150, 3).astype("float32") / 300)[:, None] ** 2
    pixels[0, 0, :5, :5] = np.nan
    found = written(tmp_path / "a.zarr", pixels, (1, 1, 64, 64), np.nan, **settings)[:]
    if "lossless" in settings:
        np.testing.assert_array_equal(found, pixels)
    else:
        valid = np.isfinite(pixels)
        assert (np.isfinite(found) == valid).all()
        assert np.abs(10 * np.log10(found[valid] / pixels[valid])).max() <= 0.1 + 1e-6


def test_within_shards(tmp_path):
    pixels = amplitude(10, 512, 512)[0]
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=pixels.shape, dtype=pixels.dtype, chunks=(128, 128), shards=(256, 512),
        serializer=SarcodecCodec(quality=90, domain="amplitude"), compressors=None, filters=None,
    )  # fmt: skip
    array[:] = pixels
    found = zarr.open_array(tmp_path / "a.zarr", mode="r")
    whole = found[:]
    assert np.abs(20 * np.log10(np.maximum(whole, 1) / np.maximum(pixels, 1))).mean() < 0.2
    np.testing.assert_array_equal(found[100:140, 250:260], whole[100:140, 250:260])


def test_zarr_version_2(tmp_path):
    pixels = amplitude(8, 300, 400)[0]
    pixels[:20, :30] = 0
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=pixels.shape, dtype=pixels.dtype, chunks=(256, 256), zarr_format=2,
        compressors=SarcodecV2(quality=70, domain="amplitude", nodata=0), filters=None,
    )  # fmt: skip
    array[:] = pixels
    found = zarr.open_array(tmp_path / "a.zarr", mode="r")[:]
    assert ((found == 0) == (pixels == 0)).all()
    np.testing.assert_array_equal(found[:256, :256], sarcodec.decode((tmp_path / "a.zarr/0.0").read_bytes())[0])
    assert json.loads((tmp_path / "a.zarr/.zarray").read_text())["compressor"] == {
        "id": "sarcodec", "nodata": 0, "quality": 70, "domain": "amplitude",
    }  # fmt: skip


def test_what_cannot_be_written_or_said(tmp_path):
    pixels = amplitude(8, 64, 64)[0]
    for settings, words in [
        ({}, "read alone"), ({"quality": 60}, "too dark to tell"), ({"quality": 160, "domain": "power"}, "from 0 to 100"),
        ({"quality": 60, "lossless": True}, "exclude"), ({"qualty": 60}, "no setting qualty"), ({"quality": 60, "domain": "dB"}, "domain is 'dB'"),
        ({"max_error_db": -1, "domain": "db"}, "above 0"),
    ]:  # fmt: skip
        with pytest.raises(InvalidArgument, match=words):
            written(tmp_path / f"{words[:4]}.zarr", pixels, (64, 64), **settings)
    with pytest.raises(InvalidArgument, match="one entry of all axes before"):
        written(tmp_path / "b.zarr", np.zeros((2, 3, 8, 8), "uint16"), (2, 3, 8, 8), quality=60, domain="amplitude")
    with pytest.raises(InvalidArgument, match="complex64"):
        written(tmp_path / "c.zarr", np.zeros((8, 8), "complex64"), (8, 8), quality=60, domain="amplitude")


def test_damage_raises_through_zarr(scene, tmp_path):
    data = bytearray(scene[0].read_bytes())
    data[-200] ^= 255  # in a payload: head and index are whole
    (tmp_path / "bad.sarc").write_bytes(data)
    with pytest.raises(CorruptFile, match="checksum"):
        linked(tmp_path / "bad.zarr", tmp_path / "bad.sarc")[:]
    (tmp_path / "cut.sarc").write_bytes(scene[0].read_bytes()[:-5000])
    array = linked(tmp_path / "cut.zarr", scene[0])
    (tmp_path / "cut.zarr/c/0/0/0").unlink()
    (tmp_path / "cut.zarr/c/0/0/0").symlink_to(tmp_path / "cut.sarc")
    sarcodec.doors.zarr_codec._scenes.clear()
    with pytest.raises(CorruptFile):
        array[:]
    (tmp_path / "cut.sarc").write_bytes(b"text" * 99)
    with pytest.raises(NotSarcodec):
        array[:]


def test_a_chunk_of_another_array(scene, map_scene, tmp_path):
    linked(tmp_path / "a.zarr", scene[0])
    chunk = tmp_path / "a.zarr/c/0/0/0"
    chunk.unlink(), chunk.symlink_to(map_scene[0])
    with pytest.raises(CorruptFile, match="belongs to another array"):
        zarr.open_array(tmp_path / "a.zarr", mode="r")[:]
    chunk.unlink()
    assert (
        zarr.open_array(tmp_path / "a.zarr", mode="r")[0, :3, :3] == 0
    ).all()  # Zarr's own: no chunk is the fill value


def test_many_threads_and_processes(array, scene, tmp_path):
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from multiprocessing import get_context

    windows = [(b, r, c) for b in (0, 1) for r in (0, 300, 600) for c in (0, 500, 1000)]
    with ThreadPoolExecutor(8) as pool:
        for (b, r, c), found in zip(
            windows, pool.map(lambda w: array[w[0], w[1] : w[1] + 90, w[2] : w[2] + 90], windows)
        ):
            np.testing.assert_array_equal(found, scene[1][b, r : r + 90, c : c + 90])
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for found, (b, r, c) in zip(pool.map(_piece, [(array, w) for w in windows[:4]]), windows):
            np.testing.assert_array_equal(found, scene[1][b, r : r + 90, c : c + 90])


def _piece(job):
    array, (b, r, c) = job
    return array[b, r : r + 90, c : c + 90]


def test_virtualizarr(scene):
    pytest.importorskip("virtualizarr", reason="virtualizarr (extra virtualizarr) is not installed")
    store = _manifest_store(scene[0])
    found = zarr.open_group(store, mode="r")["pixels"]
    np.testing.assert_array_equal(found[1, 100:200, 1000:1100], scene[1][1, 100:200, 1000:1100])
    np.testing.assert_array_equal(found[:], scene[1])


def _manifest_store(path):
    from obspec_utils.registry import ObjectStoreRegistry
    from obstore.store import LocalStore

    return SarcodecParser()(f"file://{path}", ObjectStoreRegistry({"file://": LocalStore()}))


def test_xarray_over_virtualizarr(scene):
    xr = pytest.importorskip("xarray")
    pytest.importorskip("virtualizarr", reason="virtualizarr (extra virtualizarr) is not installed")
    found = xr.open_zarr(
        _manifest_store(scene[0]), consolidated=False, zarr_format=3, chunks=None, mask_and_scale=False
    )
    assert found.pixels.dims == ("band", "y", "x") and found.pixels.attrs["descriptions"] == ["VV", "VH"]
    for index in [np.s_[:, ::-7, ::-1], np.s_[1, [3, 600], 5:9], np.s_[0, 5:5]]:
        np.testing.assert_array_equal(found.pixels[index].values, outer(scene[1], index))
    masked = xr.open_zarr(_manifest_store(scene[0]), consolidated=False, zarr_format=3, chunks=None)
    assert np.isnan(masked.pixels[0, :90, :70]).all() and not np.isnan(masked.pixels[0, 100:, 100:]).any()


def test_icechunk_refers_to_the_file(scene):
    icechunk = pytest.importorskip("icechunk", reason="icechunk is not installed")
    xr = pytest.importorskip("xarray")
    virtualizarr = pytest.importorskip("virtualizarr", reason="virtualizarr (extra virtualizarr) is not installed")
    from obspec_utils.registry import ObjectStoreRegistry
    from obstore.store import LocalStore

    folder = f"file://{scene[0].parent}/"
    config = icechunk.RepositoryConfig.default()
    config.set_virtual_chunk_container(
        icechunk.VirtualChunkContainer(folder, icechunk.local_filesystem_store(str(scene[0].parent)))
    )
    repository = icechunk.Repository.create(
        icechunk.in_memory_storage(), config=config, authorize_virtual_chunk_access={folder: None}
    )
    session = repository.writable_session("main")
    registry = ObjectStoreRegistry({"file://": LocalStore()})
    with virtualizarr.open_virtual_dataset(f"file://{scene[0]}", registry=registry, parser=SarcodecParser()) as virtual:
        virtual.vz.to_icechunk(session.store)
    session.commit("a reference to one file")
    found = xr.open_zarr(
        repository.readonly_session("main").store, consolidated=False, chunks=None, mask_and_scale=False
    )
    np.testing.assert_array_equal(found.pixels[1, 100:200, 1000:1100], scene[1][1, 100:200, 1000:1100])
    np.testing.assert_array_equal(found.pixels.values, scene[1])


def test_xarray_writes_arrays_of_files(tmp_path):
    xr = pytest.importorskip("xarray")
    pixels = amplitude(11, 300, 400, 2)
    data = xr.Dataset({"grd": (("band", "y", "x"), pixels)})
    how = {"serializer": SarcodecCodec(quality=60, domain="amplitude"), "compressors": None, "chunks": (1, 256, 256)}
    data.to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False, encoding={"grd": how})
    found = xr.open_zarr(tmp_path / "a.zarr", consolidated=False, chunks=None)
    assert np.corrcoef(np.log(found.grd.values + 1.0).ravel(), np.log(pixels + 1.0).ravel())[0, 1] > 0.98
    assert os.listdir(tmp_path / "a.zarr/grd/c")
