from dataclasses import replace

import numpy as np
import pytest

from sarcodec_lab.train import native
from sarcodec_lab.train.patches import Image
from sarcodec_lab.train.recipe import Recipe


def _land(group="here", family="iw", side=256, seed=0):
    """Two fields 10 dB apart under smooth, resampled speckle."""
    rng = np.random.default_rng(seed)
    level = 30 + 10 * (np.arange(side)[None] >= side // 2) + rng.normal(0, 1, (side, side))
    return Image(level.astype(np.float32), np.ones(level.shape, bool), family, group)


def test_new_speckle_over_the_same_land():
    image = _land()
    level = native.respeckled(image.level_db, np.random.default_rng(0))
    dn = 10 ** (level.astype(np.float64) / 20)
    assert level.dtype == np.float32 and level.min() >= 0 and np.abs(dn - np.rint(dn)).max() < 1e-2
    left, right = (10 * np.log10(np.mean(dn[:, part] ** 2)) for part in (slice(8, 120), slice(136, 248)))
    assert abs(right - left - 10) < 0.3
    assert abs(left - 30.1) < 0.4 or abs(left - 42.1) < 0.4  # DN as they are, or four times as large
    looks = np.mean(dn[:, 8:120] ** 2) ** 2 / np.var(dn[:, 8:120] ** 2)
    assert 4.0 < looks < 5.2  # IW GRDH has 4.4 to 4.9


def test_images_are_kept_until_something_changes(tmp_path):
    recipe, lines = Recipe("x", dev_groups=("held",)), []
    images = [_land("a"), _land("held", seed=1), _land("small", side=150), _land("slc", "slc")]
    folder = tmp_path / "native"
    first = native.native_images(images, recipe, folder, lines.append)
    again = native.native_images(images, recipe, folder, lines.append)
    assert len(lines) == 1 and len(first) == native.COPIES and {i.family for i in first} == {"native"}
    assert all(np.array_equal(a.level_db, b.level_db) for a, b in zip(first, again, strict=True))
    assert [i.scene for i in first] == ["", ""]
    assert not np.array_equal(first[0].level_db, first[1].level_db)
    more = native.native_images(images, replace(recipe, dev_groups=()), folder, lines.append)
    assert len(lines) == 2 and len(more) == 2 * native.COPIES
    other = native.native_images(images, replace(recipe, seed=2), folder, lines.append)
    assert len(lines) == 3 and len(other) == native.COPIES and not np.array_equal(other[0].level_db, first[0].level_db)


def test_a_failure_leaves_no_half_folder(tmp_path, monkeypatch):
    def broken(level_db, rng):
        raise MemoryError

    monkeypatch.setattr(native, "respeckled", broken)
    with pytest.raises(MemoryError):
        native.native_images([_land()], Recipe("x"), tmp_path / "native", lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_simulated_scenes_come_from_the_seed(recipe, images):
    again = native.simulated_images(recipe)
    assert [i.group for i in images[::2]] == [
        *(f"simulated_{preset}_0" for preset in native.PRESETS),
        "simulated_mixed_1",
    ]
    assert all(i.family == "simulated" and i.level_db.shape == (256, 256) and i.valid.all() for i in images)
    assert all(np.array_equal(a.level_db, b.level_db) for a, b in zip(images, again, strict=True))
    other = native.simulated_images(replace(recipe, seed=2))
    assert not np.array_equal(other[0].level_db, images[0].level_db)
    assert not np.array_equal(images[0].level_db, images[8].level_db)  # mixed_0 and mixed_1
