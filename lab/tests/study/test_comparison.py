"""A comparison of a codec in numpy: true bytes, JPEG 2000 no larger, nothing done twice, and a page that holds it
all."""

import csv
import io
import re

import numpy as np
import pytest
from study.block_codec import BlockCodec

from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import read_array, write_array
from sarcodec_lab.study.comparing.cases import find_cases
from sarcodec_lab.study.comparing.comparison import JPEG_2000_NAME, compare, compare_one, decoded_dn
from sarcodec_lab.study.comparing.equal_bytes import LADDER_PSNR_DB, at_most, at_setting
from sarcodec_lab.study.comparing.report import Found, write_up

pytest.importorskip("imagecodecs", reason="imagecodecs (extra bench) is not installed")
pytest.importorskip("scipy", reason="scipy (extra bench) is not installed")

SIZE = 192


def _speckled(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ground = 40 * (1 + np.kron(rng.random((2, SIZE // 32, SIZE // 32)), np.ones((32, 32))))
    return np.clip(ground * np.sqrt(rng.gamma(4.4, 1 / 4.4, (2, SIZE, SIZE))), 1, 65535).astype(np.uint16)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two places in val, one in train."""
    folder = tmp_path_factory.mktemp("data")
    lines = ["file,split,family,group"]
    for seed, (name, split) in enumerate((("delta", "val"), ("town", "val"), ("other", "train"))):
        write_array(folder / f"{name}.tif", _speckled(seed), SceneInfo(SIZE, SIZE, 2, "uint16"))
        lines.append(f"{name}.tif,{split},iw,{name}-place")
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def done(data, tmp_path_factory):
    """(cases, contenders, records, folder of work)"""
    work = tmp_path_factory.mktemp("work")
    cases = find_cases(data, "val", ("iw",), work / "scenes")
    contenders = (BlockCodec(), BlockCodec("tiled", (32, 0)))
    return cases, contenders, compare(cases, contenders, work, lambda line: None), work


def test_cases_are_the_bands_of_the_split(done, data):
    cases = done[0]
    assert [(case.image, case.band, case.place) for case in cases] == [
        ("delta", 1, "delta-place"),
        ("delta", 2, "delta-place"),
        ("town", 1, "town-place"),
        ("town", 2, "town-place"),
    ]
    assert (cases[0].guide_dn == cases[1].dn).all()
    assert (read_array(cases[3].scene)[0][0] == read_array(data / "town.tif")[0][1]).all()


def test_bits_are_those_of_the_file(done):
    cases, _, records, work = done
    record = next(r for r in records if r.contender == "blocks" and r.setting.value == 1)
    place = next(work.glob("blocks-*"))
    size = (place / f"{record.key}-1-o0.bin").stat().st_size
    assert (record.bytes, record.bits_per_pixel) == (size, 8 * size / SIZE**2)
    assert record.encode_seconds > 0 and record.decode_seconds == 0.25
    level, returned = (20 * np.log10(dn.astype(float)) for dn in (cases[0].dn, decoded_dn(record, work)))
    assert record.measures.mse_db2 == pytest.approx(np.mean((returned - level) ** 2), rel=1e-5)


def test_a_contender_can_be_measured_alone(done, tmp_path):
    cases, contenders, records, _ = done
    alone = compare_one(cases, contenders[0], tmp_path, lambda line: None, beside=False)
    with_peer = [record for record in records if record.contender == contenders[0].name]
    assert [(r.bytes, r.measures) for r in alone] == [(r.bytes, r.measures) for r in with_peer]
    assert all(record.equal is None for record in alone) and all(record.equal for record in with_peer)
    # A comparison in the same folder does not take them for its own.
    assert all(r.equal for r in compare_one(cases, contenders[0], tmp_path, lambda line: None))


def test_jpeg2000_takes_no_more_bytes_than_each_file(done):
    for record in done[2]:
        if record.equal:
            assert record.equal.bytes <= record.bytes
            assert record.equal.bytes >= 0.95 * record.bytes
    own = [record for record in done[2] if record.contender == JPEG_2000_NAME]
    assert len(own) == 4 * len(LADDER_PSNR_DB)


def test_equal_bytes_are_within_two_percent_on_larger_images():
    rng = np.random.default_rng(5)
    dn = (100 * np.sqrt(rng.gamma(4.4, 1 / 4.4, (512, 512)))).clip(1).astype(np.uint16)
    for limit in (3000, 6500, 20000):
        assert 0.98 * limit <= at_most(dn, limit).bytes <= limit
    stream = at_most(dn, 5)
    assert stream.bytes > 5 and stream.bytes == at_setting(dn, stream.psnr_db, stream.gain).bytes


def test_a_second_run_does_nothing_again(done):
    cases, _, records, work = done
    again = BlockCodec()
    assert compare_one(cases, again, work, lambda line: None) == [r for r in records if r.contender == "blocks"]
    assert again.encoded == 0


def test_a_cut_run_goes_on_with_the_files_that_are_there(data, tmp_path):
    cases = find_cases(data, "val", ("iw",), tmp_path / "scenes", ("town",))
    first, second = BlockCodec(), BlockCodec()
    compare_one(cases, first, tmp_path, lambda line: None)
    for path in tmp_path.glob("blocks-*/*b1*.json"):
        path.unlink()
    next(tmp_path.glob("blocks-*/*b1*.bin")).unlink()
    found = compare_one(cases, second, tmp_path, lambda line: None)
    assert (first.encoded, second.encoded, len(found)) == (6, 1, 6)


def test_a_reader_that_fails_is_named(data, tmp_path):
    broken = BlockCodec()
    broken.decode_command = lambda: ["false"]
    cases = find_cases(data, "val", ("iw",), tmp_path / "scenes", ("town",))
    with pytest.raises(SarcodecError, match="blocks ended with status 1 and left 6 of 6"):
        compare_one(cases, broken, tmp_path, lambda line: None)


@pytest.fixture(scope="module")
def texts(done):
    cases, contenders, records, work = done
    return write_up(Found("val", records, contenders, cases, None, work), (("images", "two places"),))


def test_the_page_holds_everything(texts):
    page = texts.html
    sources = re.findall(r"src='([^']*)'", page)
    assert len(sources) == 2 * 2 * 4  # contenders, places, pictures
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"https?:|@import|url\(|<script", page)
    assert page.count("<svg") == 2 + 2
    for text in (
        "n = 2 places, 2 images, 4 bands",
        "What the overlap of tiles costs",
        "BD-rate",
        "How it was measured",
    ):
        assert text in page
    assert not re.search(r"nan\b|>None<", re.sub(r"src='[^']*'", "", page), re.IGNORECASE)


def test_markdown_has_a_row_a_model_and_its_equal(texts):
    lines = texts.markdown.splitlines()
    head = next(n for n, line in enumerate(lines) if line.startswith("|  | bit/pixel | PSNR dB (psnr_study)"))
    assert [line.split("|")[1].strip() for line in lines[head + 2 : head + 6]] == [
        "blocks, step 1",
        "JPEG 2000 at equal bytes",
        "tiled, step 1, overlap 32",
        "JPEG 2000 at equal bytes",
    ]
    assert all(line.count("|") == lines[head].count("|") for line in lines[head : head + 6])


def test_csv_has_a_row_a_file(texts, done):
    rows = list(csv.DictReader(io.StringIO(texts.csv)))
    assert len(rows) == len(done[2]) == 4 * (3 + 4 + len(LADDER_PSNR_DB))
    row = next(row for row in rows if row["model"] == "tiled" and row["overlap_px"] == "0")
    assert row["setting"] == "1" and int(row["jpeg2000_bytes"]) <= int(row["bytes"])
    assert float(row["bits_per_pixel"]) == pytest.approx(8 * int(row["bytes"]) / SIZE**2, rel=1e-5)


def test_images_that_are_not_there_are_named(data, tmp_path):
    with pytest.raises(InvalidArgument, match="images atlantis"):
        find_cases(data, "val", ("iw",), tmp_path / "s", ("atlantis", "town"))
    with pytest.raises(InvalidArgument, match="no GeoTIFF of split test"):
        find_cases(data, "test", ("iw",), tmp_path / "s")
    with pytest.raises(InvalidArgument, match="index.csv"):
        find_cases(tmp_path, "val", ("iw",), tmp_path / "s")
