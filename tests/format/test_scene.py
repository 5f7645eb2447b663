"""What a scene says about itself survives its bytes, and damaged bytes are told apart."""

import json
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcodec.errors import CorruptFile, InvalidArgument, UnsupportedScene
from sarcodec.format import packing, scene
from sarcodec.format.scene import GroundControlPoint, SceneInfo, pack_scene, unknown_keys, unpack_scene

numbers = st.floats(allow_nan=True, allow_infinity=True)
words = st.text(max_size=12)
points = st.builds(GroundControlPoint, numbers, numbers, numbers, numbers, numbers, words, words)
tags = st.lists(st.tuples(words, st.lists(st.tuples(words, words), max_size=3).map(tuple)), max_size=2).map(tuple)


def per_band(values, count):
    return st.lists(values, min_size=count, max_size=count).map(tuple)


@st.composite
def infos(draw):
    count = draw(st.integers(1, 3))
    return SceneInfo(
        rows=draw(st.integers(1, 99999)),
        cols=draw(st.integers(1, 99999)),
        count=count,
        dtype=draw(st.sampled_from(scene.DTYPES)),
        crs_wkt=draw(st.none() | words),
        transform=draw(st.none() | st.tuples(*[numbers] * 6)),
        gcps=tuple(draw(st.lists(points, max_size=4))),
        gcp_crs_wkt=draw(st.none() | words),
        nodata=draw(per_band(st.none() | numbers, count)),
        tags=draw(tags),
        band_tags=draw(per_band(tags, count)),
        descriptions=draw(per_band(st.none() | words, count)),
        units=draw(per_band(st.none() | words, count)),
        scales=draw(per_band(numbers, count)),
        offsets=draw(per_band(numbers, count)),
        colorinterp=draw(per_band(words, count)),
    )


def unpacked(data, info):
    return unpack_scene(data, info.rows, info.cols, info.count, info.dtype)


@settings(max_examples=150, deadline=None)
@given(infos())
def test_every_field_comes_back(info):
    data = pack_scene(info)
    assert repr(unpacked(data, info)) == repr(info)  # repr: NaN equals itself, -0.0 differs from 0.0
    assert pack_scene(info) == data


def test_nothing_to_say_is_no_bytes():
    info = SceneInfo(5, 6, 2, "uint16")
    assert pack_scene(info) == b"" and unpacked(b"", info) == info


def test_one_word_is_few_bytes():
    assert len(pack_scene(SceneInfo(5, 6, 8, "uint16", nodata=(0.0,) * 8))) < 24


@pytest.mark.parametrize("flips", [{"row": 3.0}, {"z": 0.1 + 0.2}, {"id": "x"}, {"info": "y"}])
def test_long_columns_of_control_points(flips):
    plain = [GroundControlPoint(i / 3, i * 7.0, i / 11, -i / 13, 255.3 + i / 17, str(i + 1)) for i in range(210)]
    plain[100] = GroundControlPoint(**{name: getattr(plain[100], name) for name in plain[100].__slots__} | flips)
    info = SceneInfo(5, 6, 1, "uint16", gcps=tuple(plain))
    assert unpacked(pack_scene(info), info) == info


def test_both_compressions_are_used_and_read():
    short = SceneInfo(5, 6, 1, "uint16", nodata=(0.0,))
    long = SceneInfo(5, 6, 1, "uint16", tags=(("", tuple((f"key {i}", f"value {i * i}") for i in range(400))),))
    for info, first in ((short, 1), (long, 2)):
        data = pack_scene(info)
        assert data[0] == first and unpacked(data, info) == info


def test_every_truncation_and_no_flip_gives_another_error():
    info = SceneInfo(5, 6, 2, "float32", crs_wkt="GEOGCS", nodata=(float("nan"), 1.0), units=("dB", None))
    for data in (pack_scene(info), b"\x02" + packing.lzma.compress(b'{"c":"x"}', 3, filters=packing.LZMA_FILTERS)):
        for length in range(1, len(data)):
            with pytest.raises(CorruptFile):
                unpacked(data[:length], info)
        with pytest.raises(CorruptFile):
            unpacked(data + b"\0", info)
        for bit in range(8 * len(data)):
            damaged = bytearray(data)
            damaged[bit // 8] ^= 1 << bit % 8
            with suppress(
                CorruptFile
            ):  # Some flips still read (the container's checksum finds those); no other error may come out.
                unpacked(bytes(damaged), info)


def packed(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return b"\x01" + zlib.compress(text)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00", b"\x03abc", b"\x01abc", b"\x02abc", packed([]), packed({}), packed(b"{"), packed(b"[" * 100000),
        packed(b"\xff"), packed({"c": 1}), packed({"t": [1, 2]}), packed({"t": [1] * 5 + ["1"]}),
        packed({"t": [True] * 6}), packed({"g": [[1]]}), packed({"g": []}), packed({"g": 5}),
        packed({"g": [[1], [1, 2], [1], [1], [1], [], []]}), packed({"n": [0, 0, 0]}), packed({"n": "0"}),
        packed({"m": [["a"]]}), packed({"m": [["a", [["k", 1]]]]}), packed({"d": [1]}), packed({"b": 3}),
        packed(b'{"t":[' + b"9" * 5000 + b"]}"), packed({"n": [10**400, 0]}),
    ],
)  # fmt: skip
def test_malformed_is_corrupt(data):
    with pytest.raises(CorruptFile, match="scene description"):
        unpack_scene(data, 5, 6, 2, "uint16")


def test_keys_of_a_later_release_are_skipped_and_named():
    data = packed({"zz": {"any": ["thing"]}, "n": [7], "aa": 1})
    assert unpack_scene(data, 5, 6, 2, "uint16") == SceneInfo(5, 6, 2, "uint16", nodata=(7.0, 7.0))
    assert unknown_keys(data) == ("aa", "zz") and unknown_keys(b"") == ()


@pytest.mark.parametrize("head", [1, 2])
def test_bomb_is_stopped_before_it_takes_memory(head, monkeypatch):
    monkeypatch.setattr(packing, "PACKED_LIMIT_BYTES", 1000)
    text = b'{"c":"' + b"a" * 2000 + b'"}'
    pack = zlib.compress(text) if head == 1 else packing.lzma.compress(text, 3, filters=packing.LZMA_FILTERS)
    with pytest.raises(CorruptFile, match="1000"):
        unpack_scene(bytes([head]) + pack, 5, 6, 1, "uint16")
    with pytest.raises(UnsupportedScene, match="largest tags"):
        pack_scene(SceneInfo(5, 6, 1, "uint16", crs_wkt="a" * 2000))


def test_info_checks_itself():
    with pytest.raises(InvalidArgument, match="2 bands but 3 units"):
        SceneInfo(5, 6, 2, "uint16", units=("a", "b", "c"))
    with pytest.raises(InvalidArgument, match="at least 1"):
        SceneInfo(0, 6, 2, "uint16")
    with pytest.raises(InvalidArgument, match="expected 6"):
        SceneInfo(1, 6, 2, "uint16", transform=(1.0, 2.0))
