"""Research files: every field comes back, limits hold before memory is taken, no damage gets out of the error tree."""

import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sarcodec.errors import (
    CorruptFile,
    FormatError,
    InvalidArgument,
    NewerVersion,
    NotSarcodec,
    OutputExists,
    TruncatedFile,
)
from sarcodec.format.mask import pack_invalid, unpack_invalid
from sarcodec_lab.study.files import latent_file
from sarcodec_lab.study.files.latent_file import BandData, Head
from sarcodec_lab.study.files.tiles import Layout, lead

GOLDEN = Path(__file__).parent / "golden"
HEAD = Head("a-model_1.0", bytes(range(16)), Layout(70, 90, 64, 16), 3, "float32", "power", 0.75, (-5120, 300), b"said")


def example(head: Head = HEAD) -> tuple[Head, list[BandData]]:
    random, layout = np.random.default_rng(12), head.layout
    pixels = np.zeros((layout.rows, layout.cols), head.dtype)
    valid = np.ones(pixels.shape, bool)
    valid[3:9, 5:60] = False
    masks = [pack_invalid(pixels, valid)] + [b""] * (len(head.offsets_q) - 1)
    return head, [BandData(lead(random.integers(-9, 10, head.latent_shape), layout), mask) for mask in masks]


def sealed(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body))


@pytest.mark.parametrize(
    "head",
    [
        HEAD,
        replace(HEAD, layout=Layout(1, 1), channels=1, dtype="uint16", domain="amplitude", metadata=b""),
        replace(HEAD, layout=Layout(100, 40), dtype="int16", offsets_q=(32767, -32768, 0), step_multiplier=0.0625),
        replace(HEAD, layout=Layout(300, 300, 256, 128), domain="db"),
    ],
)
def test_every_field_comes_back(head):
    head, bands = example(head)
    data = latent_file.pack(head, bands)
    found, found_bands = latent_file.unpack(data)
    assert found == head == latent_file.unpack_head(data)
    for band, other in zip(bands, found_bands, strict=True):
        assert np.array_equal(band.latents, other.latents) and band.mask == other.mask
    assert not unpack_invalid(found_bands[0].mask, (head.layout.rows, head.layout.cols), head.dtype)[0].all() or (
        head.layout.rows < 4
    )


def test_the_same_latents_give_the_same_bytes():
    assert latent_file.pack(*example()) == latent_file.pack(*example())


@pytest.mark.parametrize(
    "change",
    [
        {"model_id": "Upper"},
        {"model_id": ""},
        {"model_digest": bytes(15)},
        {"layout": Layout((1 << 20) + 1, 1)},
        {"layout": Layout(1 << 15, 1 << 15)},
        {"channels": 0},
        {"channels": 1025},
        {"layout": Layout(1 << 14, 1 << 14), "channels": 1024},
        {"dtype": "float64"},
        {"domain": "phase"},
        {"step_multiplier": 0.0},
        {"step_multiplier": float("nan")},
        {"step_multiplier": 0.1},
        {"offsets_q": ()},
        {"offsets_q": (32768,)},
        {"offsets_q": (0,) * 65},
    ],
)
def test_heads_beyond_their_limits_are_refused(change):
    with pytest.raises(InvalidArgument):
        replace(HEAD, **change)


def test_bands_that_do_not_fit_the_head_are_refused():
    head, bands = example()
    with pytest.raises(InvalidArgument):
        latent_file.pack(head, bands[:1])
    with pytest.raises(InvalidArgument):
        latent_file.pack(head, [bands[0], BandData(bands[1].latents[:, :2])])


def test_beginnings_of_other_kinds_have_their_own_errors():
    data = latent_file.pack(*example())
    for other in (b"", b"II*\0 and more of a TIFF", b"\x89SAR" + data[4:]):
        with pytest.raises(NotSarcodec):
            latent_file.unpack(other)
    with pytest.raises(NewerVersion):
        latent_file.unpack(data[:4] + b"\x01" + data[5:])
    with pytest.raises(TruncatedFile):
        latent_file.unpack(data[:6])


def test_one_changed_byte_anywhere_is_seen():
    data = latent_file.pack(*example())
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 0x55
        with pytest.raises(FormatError):
            latent_file.unpack(bytes(damaged))


def test_every_cut_file_is_seen():
    data = latent_file.pack(*example())
    for size in range(len(data)):
        with pytest.raises(FormatError):
            latent_file.unpack(data[:size])
    with pytest.raises(CorruptFile):
        latent_file.unpack(data + b"\0")


def test_damage_under_a_checksum_that_holds_never_leaves_the_error_tree():
    body, random = latent_file.pack(*example())[:-4], np.random.default_rng(13)
    for place in range(5, len(body)):
        for change in {1, 0x80, int(random.integers(1, 256))}:
            damaged = bytearray(body)
            damaged[place] ^= change
            try:
                head, bands = latent_file.unpack(sealed(bytes(damaged)))
                unpack_invalid(bands[0].mask, (head.layout.rows, head.layout.cols), head.dtype)
            except FormatError:
                pass


def test_sizes_are_checked_before_memory_is_taken():
    body = latent_file.pack(*example())[:-4]
    at = body.index(HEAD.model_digest) + 16
    for rows, cols, channels in [(b"\xff\xff\x3f", b"\xff\xff\x3f", b"\x03"), (b"\x46", b"\x5a", b"\x81\x08")]:
        huge = body[:at] + rows + cols + body[at + 2 : at + 4] + channels + body[at + 5 :]
        with pytest.raises(CorruptFile):
            latent_file.unpack(sealed(huge))


def test_bytes_after_the_last_band_are_corrupt():
    with pytest.raises(CorruptFile, match="follow"):
        latent_file.unpack(sealed(latent_file.pack(*example())[:-4] + b"\0"))


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "scene.sara"
    latent_file.write(path, b"one")
    with pytest.raises(OutputExists):
        latent_file.write(path, b"two")
    latent_file.write(path, b"three", overwrite=True)
    assert latent_file.read(path) == b"three" and [p.name for p in tmp_path.iterdir()] == ["scene.sara"]
    for bad in (tmp_path, tmp_path / "none" / "scene.sara"):
        with pytest.raises(InvalidArgument):
            latent_file.write(bad, b"")
    with pytest.raises(InvalidArgument):
        latent_file.read(tmp_path / "none")


def test_the_golden_file_reads_as_it_always_did():
    head, bands = latent_file.unpack((GOLDEN / "v0.sara").read_bytes())
    expected = json.loads((GOLDEN / "v0.json").read_text())
    assert head == HEAD
    for band, facts in zip(bands, expected, strict=True):
        assert zlib.crc32(band.latents.astype("<i4").tobytes()) == facts["latents_crc"]
        assert zlib.crc32(band.mask) == facts["mask_crc"] and list(band.latents.shape) == facts["shape"]
