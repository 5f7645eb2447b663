"""Every truncation and every flipped bit gives an error that says whose fault it is, never wrong pixels."""

import dataclasses
import zlib
from pathlib import Path

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude, store
from format.taken_apart import apart, resealed
from sarcodec.errors import (
    CorruptFile,
    FormatError,
    ModelError,
    NewerVersion,
    NotSarcodec,
    OlderVersion,
    SarcodecError,
    TruncatedFile,
    UnknownModel,
)
from sarcodec.format.bands import BandField
from sarcodec.format.container import head_length
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import MASK, Payload, pack_tile


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    pixels = amplitude(7, 40, 530)
    pixels[:, :7, 20:44] = 0
    pixels[:, 30:, 500:] = 0
    return store(tmp_path_factory.mktemp("damage") / "in.tif", pixels, descriptions=("VV",))


@pytest.fixture(scope="module")
def data(scene) -> bytes:
    """A file of two tiles, both with masks, of about 2 kB."""
    target = scene.with_name("scene.sarc")
    sarcodec.compress(scene, target, target_size=2000, threads=1)
    found = target.read_bytes()
    assert 1000 < len(found) <= 2000 and len(apart(found).steps) == 2
    return found


def open_all(data: bytes) -> None:
    """Open, and read every payload with its checksum: what any reader of pixels does first."""
    with FileReader(data) as file:
        for tile in range(file.header.entry_count):
            file.sections(tile, 0)


def test_the_sound_file_is_sound(scene, data):
    assert resealed(data) == data
    assert sarcodec.verify(data, against=scene, threads=1).passed


def test_every_truncation(data):
    for length in range(1, len(data)):
        with pytest.raises(TruncatedFile):
            sarcodec.verify(data[:length], threads=1)


def test_every_flipped_bit(data):
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises((FormatError, ModelError)):
            open_all(bytes(damaged))


def test_a_flipped_bit_of_every_byte_by_every_verb(data, tmp_path):
    """Also decompress and read: each tries the checksums of what it uses."""
    random, target = np.random.default_rng(1), tmp_path / "out.tif"
    for byte in [*range(0, len(data), 23), len(data) - 1]:
        damaged = bytearray(data)
        damaged[byte] ^= 1 << int(random.integers(8))
        with pytest.raises((FormatError, ModelError)):
            sarcodec.verify(bytes(damaged), threads=1)
        with pytest.raises((FormatError, ModelError)):
            sarcodec.decompress(bytes(damaged), target, threads=1)
        with pytest.raises((FormatError, ModelError)), sarcodec.open(bytes(damaged), threads=1) as opened:
            opened.read()
        assert not list(tmp_path.iterdir())


def test_bytes_at_the_end(data):
    for more in (b"\0", b"more", data):
        with pytest.raises(CorruptFile):
            sarcodec.verify(data + more, threads=1)


@pytest.mark.parametrize("beginning", [b"", b"II*\0" + bytes(200), b"\x89PNG\r\n\x1a\n" + bytes(99), None])
def test_other_files_are_told_apart(scene, beginning, tmp_path):
    other = np.random.default_rng(3).bytes(3000) if beginning is None else beginning
    for source in (other, tmp_path / "file"):
        (tmp_path / "file").write_bytes(other)
        for verb in (sarcodec.verify, sarcodec.info, sarcodec.open):
            with pytest.raises(NotSarcodec):
                verb(source)
    with pytest.raises(NotSarcodec, match="TIFF"):
        sarcodec.info(scene)


def test_versions_to_come(data):
    for version in (2, 3, 255):
        with pytest.raises(NewerVersion, match=str(version)):
            sarcodec.info(data[:4] + bytes([version]) + data[5:])


def test_the_version_before(data):
    with pytest.raises(OlderVersion, match=r"compress it again"):
        sarcodec.info(data[:4] + b"\0" + data[5:])


def test_files_of_other_models(data):
    header = apart(data).header
    for digest in (bytes([header.model_digest[0] ^ 1]) + header.model_digest[1:], bytes(8)):
        changed = resealed(data, model_digest=digest)
        assert sarcodec.info(changed).model_digest == digest.hex()  # what a file says of itself needs no model
        for verb in (sarcodec.verify, sarcodec.open):
            with pytest.raises(UnknownModel, match=digest.hex()):
                verb(changed)
    with pytest.raises(UnknownModel, match="another-model"):
        sarcodec.verify(resealed(data, model_id="another-model"))
    with pytest.raises(NewerVersion):
        sarcodec.verify(resealed(resealed_tiles(data), tile_log2=9))


def resealed_tiles(data: bytes) -> bytes:
    """With a section that only a newer version knows."""
    sections = apart(data).sections(0)
    return resealed(data, {0: pack_tile([*sections, dataclasses.replace(sections[-1], kind=63)])})


def test_a_tile_read_at_another_step_is_noticed(data):
    step = apart(data).steps[1]
    for other in {0, max(0, step - 64), min(639, step + 64), 639} - {step}:
        with pytest.raises(CorruptFile):
            sarcodec.verify(resealed(data, steps={1: other}), threads=1)


def test_tiles_changed_places_are_noticed(data):
    first, second = apart(data).payloads
    with pytest.raises(CorruptFile):
        sarcodec.verify(resealed(data, {0: second, 1: first}), threads=1)


def spoilt(payload: Payload, random: np.random.Generator, cut: bool) -> Payload:
    """One of the two payloads, chosen by its share of the bytes, cut or with a bit flipped."""
    place = int(random.integers(len(payload.base) + len(payload.rest)))
    name = "base" if place < len(payload.base) else "rest"
    place -= 0 if name == "base" else len(payload.base)
    data = bytearray(getattr(payload, name))
    if cut:
        del data[place:]
    else:
        data[place] ^= 1 << int(random.integers(8))
    return dataclasses.replace(payload, **{name: bytes(data)})


def test_forged_checksums_give_errors_of_sarcodec_or_pixels_but_nothing_else(data):
    """Bytes that a stranger chose, with checksums that hold: no other error, no hang, no crash; the symbols' own checksum sees it."""
    random, payloads, passed = np.random.default_rng(2), apart(data).payloads, 0
    for trial in range(150):
        forged = resealed(data, {trial % 2: spoilt(payloads[trial % 2], random, trial % 3 == 0)})
        try:
            sarcodec.verify(forged, threads=1)
        except FormatError:
            continue
        passed += 1  # in the mask or the power section, which have no second checksum
    assert passed < 40


def test_forged_heads_give_errors_of_sarcodec(data):
    """Any byte of the head changed, and its checksum made to hold."""
    size = head_length(data[:10])
    random = np.random.default_rng(5)
    for byte in range(5, size - 4):
        forged = bytearray(data)
        forged[byte] ^= 1 << int(random.integers(8))
        forged[size - 4 : size] = zlib.crc32(bytes(forged[: size - 4])).to_bytes(4, "little")
        try:
            sarcodec.verify(bytes(forged), threads=1)
        except SarcodecError:
            continue


def test_a_mask_of_another_scene_is_refused(data):
    sections = apart(data).sections(1)
    cut = [dataclasses.replace(s, payload=s.payload[:-2]) if s.kind == MASK else s for s in sections]
    assert cut != sections
    swapped = pack_tile(cut)
    with pytest.raises(CorruptFile):
        sarcodec.verify(resealed(data, {1: swapped}), threads=1)


def test_damage_leaves_an_older_output_alone(data, tmp_path):
    target = tmp_path / "out.tif"
    target.write_bytes(b"before")
    damaged = bytearray(data)
    damaged[-3] ^= 4
    with pytest.raises(CorruptFile):
        sarcodec.decompress(bytes(damaged), target, overwrite=True, threads=1)
    assert target.read_bytes() == b"before" and len(list(tmp_path.iterdir())) == 1


@pytest.fixture(scope="module", params=[{"max_error_db": 1.0}, {"lossless": True}], ids=["bounded", "lossless"])
def promised(request, tmp_path_factory) -> bytes:
    """A file that keeps a bound, and a lossless one, of two small tiles with masks."""
    pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    folder = tmp_path_factory.mktemp("promised")
    pixels = amplitude(7, 12, 530)
    pixels[:, :7, 20:44] = 0
    sarcodec.compress(store(folder / "in.tif", pixels), folder / "x.sarc", threads=1, **request.param)
    return (folder / "x.sarc").read_bytes()


def test_truncations_and_flipped_bits_of_promised_files(promised):
    for length in range(1, len(promised)):
        with pytest.raises(TruncatedFile):
            sarcodec.verify(promised[:length], threads=1)
    for byte in range(len(promised)):
        damaged = bytearray(promised)
        damaged[byte] ^= 1 << byte % 8
        with pytest.raises(FormatError):
            open_all(bytes(damaged))


def test_forged_levels_give_errors_of_sarcodec_or_pixels_but_nothing_else(promised):
    """The checksum of the samples sees what libjxl does not; only the first level, the patterns and the mask have none of their own."""
    random, payloads, passed = np.random.default_rng(3), apart(promised).payloads, 0
    for trial in range(100):
        forged = resealed(promised, {trial % 2: spoilt(payloads[trial % 2], random, trial % 3 == 0)})
        try:
            sarcodec.verify(forged, threads=1)
        except FormatError:
            continue
        passed += 1
    assert passed < 20


def test_sections_of_the_other_kind_of_file_are_corrupt(promised, data):
    levels, latents = apart(promised).sections(0), apart(data).sections(0)
    for forged in (resealed(data, {0: pack_tile(levels)}), resealed(promised, {0: pack_tile(latents)})):
        with pytest.raises(CorruptFile, match="does not belong"):
            sarcodec.verify(forged, threads=1)
    for empty in (Payload(), pack_tile([s for s in levels if s.kind == MASK])):
        with pytest.raises(CorruptFile):
            sarcodec.verify(resealed(promised, {1: empty}), threads=1)


def test_a_model_cannot_be_put_into_a_promised_file(promised):
    header = apart(promised).header
    with pytest.raises(CorruptFile):
        sarcodec.verify(resealed(promised, steps={1: 3}), threads=1)
    learned = {"bands": (BandField(),) * len(header.bands), "model_id": "dct32", "model_digest": b"12345678"}
    with pytest.raises(SarcodecError):
        sarcodec.verify(resealed(promised, **learned), threads=1)
