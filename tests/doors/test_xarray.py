"""xarray's engine: what NumPy would give of the pixels of decompress, wherever and in whatever process it is asked."""

import pickle
import shutil

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude, store
from doors.scenes import UTM, points
from sarcodec.errors import CorruptFile, InvalidArgument, NotSarcodec

pytestmark = pytest.mark.tools
xr = pytest.importorskip("xarray")


def opened(path, **options):
    # By class: a checkout that is not installed has no entry points.
    from sarcodec.xarray import SarcodecBackend

    return xr.open_dataset(path, engine=SarcodecBackend, **options)


INDEXES = {
    "slices": np.s_[100:300, 500:720],
    "steps": np.s_[3:690:7, ::300],
    "backwards": np.s_[600:20:-11, ::-90],
    "steps over tiles": np.s_[::690, 5::1050],
    "whole numbers": np.s_[7, -3],
    "a row": np.s_[-1, :],
    "lists": np.s_[[5, 690, 3], [1, 1099, 1, 2]],
    "a list backwards": np.s_[[600, 5], 30:5:-3],
    "empty": np.s_[5:5, :],
    "an empty list": np.s_[[], 3:9],
}


@pytest.mark.parametrize("name", INDEXES)
def test_indexes_as_numpy(scene, name):
    path, pixels = scene
    rows, cols = INDEXES[name]
    found = opened(path, mask_and_scale=False).VH[rows, cols]
    wanted = pixels[1][rows][..., cols] if np.ndim(rows) or isinstance(rows, slice) else pixels[1][rows, cols]
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype == np.uint16
    np.testing.assert_array_equal(found.values, wanted)


def test_points_one_by_one(scene):
    path, pixels = scene
    rows, cols = np.array([[5, 699, 3], [5, 400, -1]]), np.array([[1, 2, 1000], [1, 1099, -5]])
    at = {"y": xr.DataArray(rows, dims=("a", "b")), "x": xr.DataArray(cols, dims=("a", "b"))}
    np.testing.assert_array_equal(opened(path, mask_and_scale=False).VV.isel(at).values, pixels[0][rows, cols])


def test_points_decode_their_own_tiles_alone(scene, monkeypatch):
    path, _ = scene
    read, windows = sarcodec.Scene.read, []

    def counted(self, indexes, *, window):
        windows.append(window)
        return read(self, indexes, window=window)

    monkeypatch.setattr(sarcodec.Scene, "read", counted)
    at = xr.DataArray([0, 699], dims="p")
    opened(path).VV.isel(y=at, x=at + 400).load()
    assert windows == [(slice(0, 1), slice(400, 401)), (slice(699, 700), slice(1099, 1100))]


def test_an_index_outside_is_refused(scene):
    with pytest.raises(IndexError):
        opened(scene[0]).VV[700, 0].load()


def test_nodata_becomes_nan_or_stays(scene):
    path, pixels = scene
    masked, plain = opened(path).VV, opened(path, mask_and_scale=False).VV
    assert plain.attrs["_FillValue"] == 0 and masked.encoding["_FillValue"] == 0
    np.testing.assert_array_equal(masked.values, np.where(pixels[0] == 0, np.nan, pixels[0]).astype("float32"))
    assert np.isnan(masked.values[:90, :70]).all()


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_masks_become_nan(tmp_path, scale):
    from sarcodec.format.scene import SceneInfo
    from sarcodec.format.tiling import Window
    from sarcodec.raster.geotiff import SceneWriter  # writes masks too

    pixels, valid = amplitude(8, 40, 50)[0], np.full((40, 50), 255, np.uint8)
    valid[3:20, 10:] = 0
    info = SceneInfo(40, 50, 1, "uint16", mask="dataset", scales=(scale,))
    with SceneWriter(tmp_path / "in.tif", info) as writer:
        writer.write(0, Window(0, 0, 40, 50), pixels)
        writer.write_mask(0, Window(0, 0, 40, 50), valid)
    sarcodec.compress(tmp_path / "in.tif", tmp_path / "m.sarc", threads=1)
    with sarcodec.open(tmp_path / "m.sarc") as opened_scene:
        wanted = np.where(opened_scene.read_masks(1) == 0, np.nan, opened_scene.read(1) * scale)
    found = opened(tmp_path / "m.sarc").band_1
    assert np.isnan(found.values).sum() == (valid == 0).sum()
    np.testing.assert_array_equal(found.values, wanted)
    assert not np.isnan(opened(tmp_path / "m.sarc", mask_and_scale=False).band_1.values).any()


def test_places_as_rioxarray_has_them(scene, map_scene):
    pytest.importorskip("rioxarray")
    data = opened(scene[0])
    assert "x" not in data.coords and data.rio.crs.to_epsg() == 4326
    found = [(p.row, p.col, p.x, p.y, p.z, p.id) for p in data.VV.rio.get_gcps()]
    assert found == [(p.row, p.col, p.x, p.y, p.z, p.id) for p in points()]
    assert data.VV.encoding["grid_mapping"] == "spatial_ref"
    assert data.attrs["SENSOR"] == "Sentinel-1" and data.VV.attrs["LOOKS"] == "4"
    mapped = opened(map_scene[0])
    assert mapped.rio.crs.to_epsg() == 32633 and tuple(mapped.rio.transform())[:6] == (10, 0, 4e5, 0, -10, 5e6)
    assert mapped.x.values[[0, -1]].tolist() == [400005, 401295] and mapped.y.values[0] == 4999995
    assert mapped.band_1.attrs["units"] == "1" and np.isnan(mapped.band_1.rio.encoded_nodata)
    assert mapped.spatial_ref.attrs["crs_wkt"].startswith(UTM[:30])


def test_reprojects_by_its_control_points(scene):
    pytest.importorskip("rioxarray")
    warped = opened(scene[0]).VV.rio.reproject("EPSG:32632")
    assert warped.rio.crs.to_epsg() == 32632 and np.isfinite(warped.values).mean() > 0.5


def test_leaves_variables_out(scene):
    assert set(opened(scene[0], drop_variables="VV").data_vars) == {"VH"}
    assert set(opened(scene[0], drop_variables=["VV", "VH"]).data_vars) == set()


def test_survives_pickling(scene):
    path, pixels = scene
    data = opened(path, mask_and_scale=False)
    copy = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(copy.VV[0:9, 600:610].values, pixels[0, 0:9, 600:610])
    assert len(pickle.dumps(data)) < 50_000


def test_chunks_are_those_that_are_cheap(scene):
    pytest.importorskip("dask")
    path, pixels = scene
    assert opened(path, chunks={}).VV.chunks == ((700,), (1100,))
    small = opened(path, chunks={"y": 300, "x": 512}, mask_and_scale=False)
    assert small.VV.chunks == ((300, 300, 100), (512, 512, 76))
    np.testing.assert_array_equal(small.VV.compute(scheduler="threads", num_workers=3).values, pixels[0])


def test_other_processes_read_too(scene, monkeypatch, tmp_path):
    distributed = pytest.importorskip("distributed")
    path, pixels = scene
    monkeypatch.chdir(path.parent)
    data = opened(path.name, chunks={"y": 512, "x": 2048}, mask_and_scale=False, cache=False)
    monkeypatch.chdir(tmp_path)
    cluster = {"n_workers": 2, "threads_per_worker": 2, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**cluster) as processes, distributed.Client(processes):
        np.testing.assert_array_equal(data.VH.compute().values, pixels[1])


def test_scenes_side_by_side(scene, tmp_path):
    pytest.importorskip("dask")
    from sarcodec.xarray import SarcodecBackend

    path, pixels = scene
    shutil.copy(path, tmp_path / "other.sarc")
    both = xr.open_mfdataset(
        [path, tmp_path / "other.sarc"],
        engine=SarcodecBackend,
        combine="nested",
        concat_dim="time",
        mask_and_scale=False,
    )
    assert both.VV.shape == (2, 700, 1100)
    np.testing.assert_array_equal(both.VV[1, :4, -4:].values, pixels[0, :4, -4:])


def test_another_file_under_the_name_is_noticed(scene, tmp_path):
    path = tmp_path / "scene.sarc"
    shutil.copy(scene[0], path)
    told = pickle.dumps(opened(path))
    store(tmp_path / "in.tif", amplitude(9, 700, 1100, 2), descriptions=("VV", "VH"))
    sarcodec.compress(tmp_path / "in.tif", path, threads=1, overwrite=True)
    xr.backends.file_manager.FILE_CACHE.clear()
    with pytest.raises(CorruptFile, match="another file"):
        pickle.loads(told).VV[0, 0].load()


def test_what_cannot_be_opened_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        opened(tmp_path / "absent.sarc")
    (tmp_path / "text.sarc").write_bytes(b"no such thing" * 9)
    with pytest.raises(NotSarcodec):
        opened(tmp_path / "text.sarc")
    with pytest.raises(InvalidArgument, match="expected the path"):
        opened(b"bytes")


def test_guesses_by_the_ending():
    from sarcodec.xarray import SarcodecBackend

    guess = SarcodecBackend().guess_can_open
    assert guess("a/b.sarc") and guess("A.SARC")
    assert not guess("a.tif") and not guess(3) and not guess(b"a.sarc"[:3])


def tree(path, **options):
    from sarcodec.xarray import SarcodecBackend

    return xr.open_datatree(path, engine=SarcodecBackend, **options)


@pytest.mark.parametrize("which", ["scene", "map_scene"])
def test_a_tree_has_the_reduced_pictures(request, which):
    path, _ = request.getfixturevalue(which)
    found = tree(path, mask_and_scale=False)
    assert set(found.children) == {"full", "reduced_8", "reduced_16", "reduced_32"}
    with sarcodec.open(path) as whole:
        for side in (8, 16, 32):
            bands = found[f"reduced_{side}"].ds
            name = next(iter(bands.data_vars))
            np.testing.assert_array_equal(bands[name].values, whole.read(1, reduce=side))
            np.testing.assert_array_equal(bands[name][1:, ::2].values, whole.read(1, reduce=side)[1:, ::2])
        assert found["full"][next(iter(found["full"].data_vars))].shape == whole.shape


def test_a_reduced_picture_lies_where_the_scene_does(map_scene):
    found = tree(map_scene[0])
    assert found["reduced_8"].spatial_ref.attrs["GeoTransform"] == "400000.0 80.0 0.0 5000000.0 0.0 -80.0"
    assert found["reduced_8"].x.values[0] == 400040


@pytest.mark.parametrize("which", ["scene", "map_scene"])
@pytest.mark.parametrize("masking", [True, False])
def test_what_was_opened_can_be_written(request, which, masking, tmp_path):
    pytest.importorskip("rasterio")
    path, _ = request.getfixturevalue(which)
    before = opened(path, mask_and_scale=masking)
    domain = "power" if which == "map_scene" else "amplitude"
    sarcodec.to_sarc(before, tmp_path / "again.sarc", lossless=True, domain=domain)
    after = opened(tmp_path / "again.sarc", mask_and_scale=masking)
    xr.testing.assert_equal(after.drop_vars("spatial_ref"), before.drop_vars("spatial_ref"))
    for key in ("crs_wkt", "GeoTransform", "gcps"):
        assert after.spatial_ref.attrs.get(key) == before.spatial_ref.attrs.get(key)
    assert after.attrs.get("SENSOR") == before.attrs.get("SENSOR")


def test_an_accessor_writes_and_an_output_is_not_replaced(tmp_path):
    import sarcodec.xarray  # it registers the accessor

    pixels = amplitude(3, 70, 90)[0]
    band = xr.DataArray(
        pixels, dims=("y", "x"), name="VV", coords={"y": 50 - 10.0 * np.arange(70), "x": 5 + 10.0 * np.arange(90)}
    )
    band.sarcodec.to_sarc(tmp_path / "a.sarc", quality=50, domain="amplitude")
    found = opened(tmp_path / "a.sarc")
    assert list(found.data_vars) == ["VV"] and found.x.values[1] == 15 and found.y.values[1] == 40
    with pytest.raises(sarcodec.errors.OutputExists):
        band.sarcodec.to_sarc(tmp_path / "a.sarc")


def test_bands_along_the_first_axis(tmp_path):
    pixels = amplitude(3, 70, 90, 2)
    bands = xr.DataArray(pixels, dims=("band", "y", "x"), coords={"band": ["VV", "VH"]})
    sarcodec.to_sarc(bands, tmp_path / "a.sarc", lossless=True, domain="amplitude")
    np.testing.assert_array_equal(opened(tmp_path / "a.sarc").VH.values, pixels[1])


def test_arrays_of_dask_are_written_chunk_by_chunk(tmp_path):
    dask = pytest.importorskip("dask.array")
    pixels, asked = amplitude(3, 700, 900, 2), []

    def chunk(part):
        asked.append(part.shape)
        return part

    lazy = dask.from_array(pixels, chunks=(1, 200, 300)).map_blocks(chunk, dtype=pixels.dtype, meta=pixels[:0])
    sarcodec.to_sarc(
        xr.DataArray(lazy, dims=("band", "y", "x")), tmp_path / "a.sarc", lossless=True, domain="amplitude"
    )
    np.testing.assert_array_equal(opened(tmp_path / "a.sarc").band_2.values, pixels[1])
    assert len(asked) == 24 and max(asked) <= (1, 200, 300)  # each once
    assert [p.name for p in tmp_path.iterdir()] == ["a.sarc"]


@pytest.mark.parametrize(
    "data, words",
    [
        (xr.Dataset({"a": (("y", "x"), np.ones((3, 4), "f4")), "b": (("y", "x"), np.ones((3, 4), "u2"))}), "one dtype"),
        (xr.Dataset({"a": (("y", "x"), np.ones((3, 4))), "b": (("t", "x"), np.ones((3, 4)))}), "same two dimensions"),
        (xr.Dataset(), "same two dimensions"),
        (xr.DataArray(np.ones((3, 4)), dims=("x", "y")), "rows first"),
        (xr.DataArray(np.ones(4), dims=("x",)), "same two dimensions"),
    ],
)
def test_what_does_not_fit_is_refused(data, words, tmp_path):
    with pytest.raises(InvalidArgument, match=words):
        sarcodec.to_sarc(data, tmp_path / "a.sarc")
    assert not list(tmp_path.iterdir())
