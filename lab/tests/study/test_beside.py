"""Files of a contender beside JPEG 2000 and the codec at equal bytes: true bytes, none of them more, and what cannot be written so small left out."""

from dataclasses import replace

import numpy as np
import pytest
from study.block_codec import BlockCodec

from sarcodec_lab.study.comparing.beside import COLUMNS, at_most, beside
from sarcodec_lab.study.comparing.cases import find_cases
from sarcodec_lab.study.comparing.comparison import compare_one
from sarcodec_lab.study.scenes import FAMILY, SPLIT, write_scenes

pytest.importorskip("imagecodecs", reason="imagecodecs (extra bench) is not installed")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """(cases, records) of two bands of two places at one step."""
    work = tmp_path_factory.mktemp("work")
    folder = write_scenes(work / "scenes", 192, ("sea", "mixed"))
    cases = [case for case in find_cases(folder, SPLIT, (FAMILY,), work / "bands") if case.band == 1]
    contender = BlockCodec()
    contender.ladder = contender.ladder[1:2]
    return cases, compare_one(cases, contender, work, lambda line: None)


def test_the_codec_takes_no_more_bytes(done):
    cases, records = done
    size, figures = at_most(cases[1], records[1].bytes)
    assert 0.5 * records[1].bytes < size <= records[1].bytes
    more, better = at_most(cases[1], 2 * records[1].bytes)
    assert size < more and better.rmse_db < figures.rmse_db


def test_three_rows_a_contender(done):
    cases, records = done
    own, jpeg2000, codec = beside(records, cases)
    assert [row[0] for row in (own, jpeg2000, codec)] == [
        "**blocks**",
        "JPEG 2000, equal bytes",
        "codec, lapped32, equal bytes",
    ]
    assert {len(row) for row in (own, jpeg2000, codec)} == {len(COLUMNS)}
    total = sum(record.bytes for record in records)
    assert own[1:3] == ("2", f"{total:,}") and own[-1] == ""
    assert all(int(row[2].replace(",", "")) <= total for row in (jpeg2000, codec))
    assert float(own[6]) == pytest.approx(np.mean([record.measures.rmse_db for record in records]), abs=1e-3)
    gap = float(codec[6]) - float(own[6])
    assert codec[-1].startswith(f"{gap:+.2f}"[:4]) and "[" in codec[-1]


def test_what_the_codec_cannot_write_is_left_out(done):
    cases, records = done
    tiny = [replace(record, bytes=40) if record is records[0] else record for record in records]
    codec = beside(tiny, cases)[2]
    assert at_most(cases[0], 40) is None and codec[1] == "1"
