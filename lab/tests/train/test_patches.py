from dataclasses import replace

import numpy as np
import pytest
import rasterio

from sarcodec.errors import InvalidArgument
from sarcodec_lab.train.patches import Image, PatchSource, dev_patches, mirrored, read_images, turned, uniform_mean
from sarcodec_lab.train.recipe import Recipe

HEAD = "file,split,family,group\n"


def _write(path, pixels, nodata=None):
    rows, cols = pixels.shape[1:]
    with rasterio.open(path, "w", "GTiff", cols, rows, len(pixels), dtype=pixels.dtype, nodata=nodata) as dataset:
        dataset.write(pixels)


def _image(rows, cols, family="iw", group="here", seed=0):
    level = np.random.default_rng(seed).normal(20, 5, (rows, cols)).astype(np.float32)
    return Image(level, np.ones(level.shape, bool), family, group)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_images_are_read_and_what_is_no_amplitude_is_reported(tmp_path):
    rng, lines = np.random.default_rng(0), []
    dn = rng.integers(1, 500, (2, 120, 130)).astype(np.uint16)
    dn[0, :60, :60] = 0
    _write(tmp_path / "good.tif", dn, nodata=0)
    _write(tmp_path / "complex.tif", dn[:1].astype(np.complex64))
    _write(tmp_path / "decibel.tif", rng.normal(-12, 4, (1, 120, 130)).astype(np.float32))
    _write(tmp_path / "empty.tif", np.zeros((1, 120, 130), np.uint16))
    names = ("good", "complex", "decibel", "empty", "gone")
    (tmp_path / "index.csv").write_text(
        HEAD + "".join(f"{n}.tif,train,iw,g\n" for n in names) + "good.tif,val,iw,other\n"
    )
    images = read_images(tmp_path, report=lines.append)
    assert [(i.level_db.shape, i.family, i.group) for i in images] == [((120, 130), "iw", "g")] * 2
    assert not images[0].valid[:60, :60].any() and images[0].valid[60:].all()
    assert np.allclose(images[1].level_db, 20 * np.log10(dn[1].astype(float)), atol=1e-5)
    assert np.isfinite(images[0].level_db).all() and images[0].level_db[:60, :60].min() > 20
    assert [next(n for n in names if n in line) for line in lines] == ["complex", "decibel", "gone"]


@pytest.mark.parametrize(
    "text, word", [(None, "index.csv"), ("a,b\n1,2\n", "columns"), (HEAD + "a.png,train,iw,g\n", "split")]
)
def test_a_folder_without_a_proper_index_is_refused(tmp_path, text, word):
    if text:
        (tmp_path / "index.csv").write_text(text)
    with pytest.raises(InvalidArgument, match=word):
        read_images(tmp_path)


def test_patches_have_their_size_and_the_seed_decides():
    recipe = Recipe("x", batch=4, patch_px=128, families=(("iw", 1.0), ("ew", 0.5), ("none", 1.0)))
    images = [_image(200, 150), _image(110, 300, "ew")]
    one, again, other = (PatchSource(images, replace(recipe, seed=seed)).batch() for seed in (1, 1, 2))
    x, s = one.levels, one.steps
    assert x.shape == (4, 1, 192, 192) and s.shape == (4,) and s.min() >= 0 and s.max() < 640
    assert (x == again.levels).all() and (s == again.steps).all() and not (x == other.levels).all()
    assert x.mean((1, 2, 3)).abs().max() < 25 and 3 < x[:, :, 32:-32, 32:-32].std() < 9
    assert one.inner.shape == (4, 4) and one.paired.tolist() == [0, 0]


def test_couples_are_two_bands_of_one_place_turned_alike():
    rows, cols = np.mgrid[:300, :400].astype(np.float32)
    bands = [Image(rows * 0.1 + cols + shift, np.ones(rows.shape, bool), "iw", "g", "scene") for shift in (0, 3)]
    source = PatchSource(bands, Recipe("x", batch=16, patch_px=128, families=(("iw", 1.0),)))
    source.varied = lambda x: x
    batch = source.batch()
    assert batch.paired.tolist() == [1.0] * 8 and (batch.inner[:8] == batch.inner[8:]).all()
    inside = np.s_[:, :, 32:-32, 32:-32]
    difference = (batch.levels[8:] - batch.levels[:8])[inside]
    assert set(difference.abs().round().flatten().tolist()) == {3.0}


def test_halos_hold_what_is_beside_and_edges_nothing():
    level = np.arange(300 * 300, dtype=np.float32).reshape(300, 300)
    source = PatchSource([Image(level, np.ones(level.shape, bool), "iw", "g")], Recipe("x", patch_px=128))
    source.varied = lambda x: x
    canvas, sides = source.cut(
        Image(level, np.ones(level.shape, bool), "iw", "g"), 100, 40, np.array([1, 0, 1, 0], bool)
    )
    assert np.array_equal(canvas[:160, :160], level[68:228, 8:168])
    assert not canvas[160:].any() and not canvas[:, 160:].any()
    for rows, cols, exchange in ((True, False, False), (False, True, True)):
        turned_canvas, turned_sides = turned(canvas, sides, rows, cols, exchange)
        top, bottom, left, right = (
            turned_canvas[edge].any() for edge in (np.s_[:32], np.s_[-32:], np.s_[:, :32], np.s_[:, -32:])
        )
        assert turned_sides.tolist() == [top, bottom, left, right]
    rng_sides = np.array([source.sides(source.pools["iw"][1][0], 100, 10) for _ in range(200)])
    assert not rng_sides[:, 2].any() and 0.6 < rng_sides[:, [0, 1, 3]].mean() < 0.9


def test_focus_takes_its_share():
    source = PatchSource([_image(200, 200)], Recipe("x", patch_px=128, focus=(300, 310), focus_share=0.9))
    steps = source.steps(4000)
    assert 0.88 < np.mean((steps >= 300) & (steps < 310)) < 0.93 and len(np.unique(steps)) > 200


def test_mostly_invalid_places_are_avoided(monkeypatch):
    monkeypatch.setattr(PatchSource, "varied", lambda self, x: x)
    image = _image(512, 512)
    image.valid[:, :256] = False
    image.level_db[:, :256] = 1000
    source = PatchSource([image], Recipe("x", patch_px=64))
    inside = np.s_[:, :, 32:-32, 32:-32]
    assert max(np.mean((source.batch().levels[inside] == 1000).numpy(), (1, 2, 3)).max() for _ in range(10)) <= 0.1


def test_nothing_to_train_on_is_said():
    with pytest.raises(InvalidArgument, match="100 pixels"):
        PatchSource([_image(90, 400), _image(400, 400, "slc")], Recipe("x", families=(("iw", 1.0),)))


def test_small_images_continue_by_reflection():
    image = mirrored(_image(100, 300), 128)
    assert image.level_db.shape == (128, 300)
    assert np.array_equal(image.level_db[100:], image.level_db[72:100][::-1])


def test_development_patches_are_centred():
    image = _image(300, 130)
    patches = dev_patches([image, _image(60, 400)])
    assert [tuple(p.shape) for p in patches] == [(1, 1, 320, 192)]
    centre, found = image.level_db[22:278, 1:129], patches[0][0, 0].numpy()
    assert np.allclose(found[32:-32, 32:-32], centre - centre.mean(), atol=1e-4)
    assert not found[:32].any() and not found[:, -32:].any()


def test_bands_of_a_development_scene_stay_together():
    bands = [replace(_image(200, 200, seed=n), scene="one") for n in (0, 1)]
    patches = dev_patches([*bands, _image(200, 200)])
    assert [tuple(p.shape) for p in patches] == [(2, 1, 256, 256), (1, 1, 256, 256)]


def test_means_over_windows_are_what_a_loop_finds():
    power = np.random.default_rng(1).random((20, 27))
    for size in (3, 7, 15):
        around = np.pad(power, size // 2, "symmetric")
        expected = [[around[r : r + size, c : c + size].mean() for c in range(27)] for r in range(20)]
        assert np.allclose(uniform_mean(power, size), expected)


def test_a_share_of_the_patches_is_smooth():
    image = _image(300, 300)
    recipe = Recipe("x", patch_px=128, families=(("iw", 1.0),))
    inside = np.s_[:, 0, 32:-32, 32:-32]

    def roughness(share, seed):
        source = PatchSource([image], replace(recipe, batch=60, smooth_share=share, seed=seed))
        return np.diff(source.batch().levels[inside].numpy()).std((1, 2))

    rough, smooth = roughness(0.0, 4).mean(), roughness(1.0, 4).mean()
    assert smooth < 0.6 * rough
    assert 15 < sum(roughness(0.5, 5) < 0.6 * rough) < 45
