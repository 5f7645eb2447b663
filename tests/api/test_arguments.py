"""What has no meaning is refused as an argument, whatever Python type it has; what has, is taken in every form."""

import io
import os
import shutil

import numpy as np
import pytest

import sarcodec
from sarcodec.errors import InvalidArgument, UnknownModel
from sarcodec.simulate.product import simulate

OPTIONS = [
    *({name: value} for name in ("quality", "target_bpp", "target_size", "target_rmse_db", "max_error_db")
      for value in ("x", True, [5], 1j, np.array([5, 6]), float("nan"))),
    *({"exact_bands": value} for value in (
        [1.5], ["x"], ["1"], "1", [1, 1], [True], True, float("nan"), [float("nan")], {"a": 1}, [0], [-1], 0, [99], [10**30])),
    {"effort": True}, {"model": 3}, {"model": ""}, {"model": "../lapped32"},
]  # fmt: skip


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene")
    simulate(folder / "in.tif", 40, 50, bands=("VV", "VH"), seed=3)
    sarcodec.compress(folder / "in.tif", folder / "in.sarc", effort=0, threads=1)
    return folder


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_an_option_without_meaning_is_an_invalid_argument(scene, tmp_path, options):
    with pytest.raises((InvalidArgument, UnknownModel)):
        sarcodec.compress(scene / "in.tif", tmp_path / "o.sarc", threads=1, **options)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("bands", [2, np.int64(2), [2], (np.uint8(2),), np.array([2]), range(2, 3), {2}], ids=repr)
def test_exact_bands_in_every_form(scene, tmp_path, bands):
    report = sarcodec.compress(scene / "in.tif", tmp_path / "o.sarc", exact_bands=bands, effort=0, threads=1)
    assert [band.kind for band in report.band_kinds] == ["learned", "exact"]


@pytest.mark.parametrize("odd", [None, 3, [], io.BytesIO(b"x"), np.zeros(3)], ids=repr)
def test_what_is_no_name_is_an_invalid_argument(scene, tmp_path, odd):
    for verb in (
        lambda: sarcodec.compress(odd, tmp_path / "o.sarc"),
        lambda: sarcodec.compress(scene / "in.tif", odd),
        lambda: sarcodec.decompress(scene / "in.sarc", odd),
        *([] if odd is None else [lambda: sarcodec.verify(scene / "in.sarc", against=odd)]),
    ):
        with pytest.raises(InvalidArgument):
            verb()
    assert not os.listdir(tmp_path)


def test_an_empty_name_of_an_original_is_no_missing_one(scene):
    with pytest.raises(InvalidArgument):
        sarcodec.verify(scene / "in.sarc", against="", threads=1)


def test_a_compressed_file_in_every_form(scene):
    data = (scene / "in.sarc").read_bytes()
    for form in (data, bytearray(data), memoryview(data), io.BytesIO(data), scene / "in.sarc", str(scene / "in.sarc")):
        assert isinstance(sarcodec.info(form).path, str)
        if isinstance(form, io.BytesIO):
            form.seek(0)
        assert sarcodec.verify(form, against=scene / "in.tif", threads=1).passed


@pytest.mark.skipif(os.name != "posix", reason="names of POSIX")
@pytest.mark.parametrize("name", [b"\xff.sarc", b"\x1b[31m.sarc", b"a\nb.sarc", b"<b>.sarc"])
def test_a_scene_of_any_name_can_be_shown(scene, tmp_path, name):
    path = os.path.join(os.fsencode(tmp_path), name)
    shutil.copy(scene / "in.sarc", path)
    with sarcodec.open(os.fsdecode(path), threads=1) as opened:
        for text in (repr(opened), opened._repr_html_()):
            assert text.encode() and text.isprintable()
        assert "<b>" not in opened._repr_html_()
