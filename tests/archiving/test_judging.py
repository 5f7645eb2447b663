"""The judge: outputs that keep their promise pass, and others do not, whatever is wrong with them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude, speckle, store
from sarcodec.archiving import judging
from sarcodec.archiving.judge import judge
from sarcodec.archiving.tasks import Job, make, place
from sarcodec.errors import InvalidArgument, OutputExists

OPTIONS = [
    {},
    {"quality": 20},
    {"quality": 95, "effort": 0},
    {"target_bpp": 1},
    {"target_size": 3000},
    {"target_rmse_db": 1.5},
    {"quality_class": "analysis"},
    {"max_error_db": 0.5},
    {"lossless": True},
]


def job_of(tmp_path, pixels=None, options=None, **about):
    pixels = amplitude(1, 80, 70, 2) if pixels is None else pixels
    return Job(
        str(store(tmp_path / "in.tif", pixels, **about)), str(tmp_path / "out.sarc"), {"threads": 1, **(options or {})}
    )


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_what_compress_makes_passes(tmp_path, options):
    job = job_of(tmp_path, options=options)
    assert make(job).code == 0
    found = judge(job, "")
    assert (found.code, found.error) == (0, "")
    assert (
        found.bytes_in == (tmp_path / "in.tif").stat().st_size
        and found.bytes_out == (tmp_path / "out.sarc").stat().st_size
    )
    assert found.head and found.promised and found.software.startswith("sarcodec ")
    assert found.max_error_db <= options.get("max_error_db", 100) and (found.rmse_db == 0) == ("lossless" in options)


def _scenes():
    power = speckle(3, 1, 80, 70)
    yield "small whole numbers", np.rint(2.5 * np.sqrt(power)).clip(1, 255).astype(np.uint8)
    yield "floats", (0.1 * power).astype(np.float32)
    yield "fill", np.where(np.arange(70) < 20, 0, np.rint(300 * np.sqrt(power))).astype(np.uint16)


@pytest.mark.parametrize("kind, pixels", list(_scenes()), ids=lambda one: one if isinstance(one, str) else "")
@pytest.mark.parametrize("quality", [10, 60, 95])
def test_pixels_of_all_kinds_pass(tmp_path, kind, pixels, quality):
    domain = "power" if kind == "floats" else "amplitude"
    job = job_of(tmp_path, pixels, {"quality": quality, "domain": domain}, nodata=(0.0,))
    assert make(job).code == 0
    found = judge(job, "")
    assert (found.code, found.error) == (0, "")


def test_it_says_where_it_worked_and_never_where_the_file_was_made(tmp_path):
    job = job_of(tmp_path)
    made = make(job)
    assert made.place == place()
    found = judge(job, made.place)
    assert found.code == 0 and found.place != made.place
    assert found.rmse_db == judge(job, "").rmse_db


@pytest.mark.parametrize(
    "options, asked, says",
    [
        ({"quality": 40}, {}, "made with quality 40, and quality 60 was asked for"),
        ({}, {"lossless": True}, "it is learned, and lossless was asked for"),
        ({"max_error_db": 1}, {"max_error_db": 0.5}, "within 1 dB, and max error dB 0.5 was asked for"),
        ({"quality_class": "analysis"}, {"quality_class": "archive"}, "made with class analysis"),
    ],
)
def test_a_file_of_other_options_is_not_what_was_asked_for(tmp_path, options, asked, says):
    job = job_of(tmp_path, options=options)
    make(job)
    found = judge(Job(job.source, job.target, {"threads": 1, **asked}), "")
    assert found.code == 5 and says in found.error


def test_a_file_of_another_scene(tmp_path):
    job = job_of(tmp_path)
    make(job)
    store(tmp_path / "in.tif", amplitude(2, 80, 70, 2))
    assert "pixels are not those" in judge(job, "").error
    store(tmp_path / "in.tif", amplitude(2, 80, 71, 2))
    assert judge(job, "").code == 2
    store(tmp_path / "in.tif", amplitude(1, 80, 70, 2), descriptions=("VV", "VH"))
    assert "says otherwise than its source: descriptions" in judge(job, "").error


def test_a_claim_that_is_better_than_the_file(tmp_path, monkeypatch):
    job = job_of(tmp_path)
    make(job)
    claimed = judging.claimed_rmse_db
    monkeypatch.setattr(judging, "claimed_rmse_db", lambda claims: 0.7 * claimed(claims))
    found = judge(job, "")
    assert found.code == 5 and "it claims" in found.error


def test_one_pixel_beyond_the_bound(tmp_path):
    pixels = amplitude(1, 80, 70)
    job = job_of(tmp_path, pixels, {"max_error_db": 0.5})
    make(job)
    pixels[0, 40, 40] = 2 * pixels[0, 40, 40]
    store(tmp_path / "in.tif", pixels)
    assert judge(job, "").code == 5


def test_damage_and_what_is_not_there(tmp_path):
    job = job_of(tmp_path)
    make(job)
    data = bytearray((tmp_path / "out.sarc").read_bytes())
    data[-3] ^= 1
    (tmp_path / "out.sarc").write_bytes(data)
    assert (judge(job, "").code, judge(job, "").again) == (5, False)
    (tmp_path / "out.sarc").unlink()
    assert judge(job, "").code == 2


def test_a_defect_of_ours_is_an_answer_too(tmp_path, monkeypatch):
    monkeypatch.setattr(sarcodec, "compress", lambda *args, **words: 1 / 0)
    found = make(job_of(tmp_path))
    assert (found.code, found.error, found.again) == (70, "ZeroDivisionError: division by zero", False)


def test_a_full_disk_is_worth_another_try(tmp_path, monkeypatch):
    def full(*args, **words):
        raise sarcodec.errors.SarcodecError("cannot write x: the disk is full")

    monkeypatch.setattr(sarcodec, "compress", full)
    assert (make(job_of(tmp_path)).code, make(job_of(tmp_path)).again) == (1, True)


def test_folders_around_an_output_are_made(tmp_path):
    job = job_of(tmp_path)
    assert make(Job(job.source, str(tmp_path / "a/b/c.sarc"), job.options)).code == 0
    assert (tmp_path / "a/b/c.sarc").exists()


def test_a_file_where_a_folder_is_needed_is_said(tmp_path):
    (tmp_path / "a.sarc").write_bytes(b"an output")
    answer = make(Job(str(tmp_path / "absent.tif"), str(tmp_path / "a.sarc/b/c.sarc"), {}))
    assert (answer.code, answer.again) == (InvalidArgument.exit_code, False)
    assert answer.error.startswith(
        f"{tmp_path / 'a.sarc'} is a file, and {tmp_path / 'a.sarc/b/c.sarc'} needs a folder of that name; move it away"
    )
    assert (tmp_path / "a.sarc").read_bytes() == b"an output"


def test_a_folder_where_the_output_should_be_stays_and_is_said(tmp_path):
    (tmp_path / "in/a.sarc").mkdir(parents=True)
    source = store(tmp_path / "in/a.tif", amplitude(1, 40, 40))
    (tmp_path / "in/a.sarc/mine.txt").write_text("mine")
    with ThreadPoolExecutor(1) as here:
        for delete in (False, True):  # beside the scene itself
            report = sarcodec.archive(
                tmp_path / "in", tmp_path / "in", executor=here, workers=1, effort=0, delete_source=delete
            )
            assert (report.done, report.failed) == (0, 1)
            said = report.problems[0]
            assert said.exit_code == OutputExists.exit_code and said.error.count(str(tmp_path / "in/a.sarc")) == 2
            assert "cannot be opened: it is a directory; expected a compressed file); move it away" in said.error
    assert source.exists() and (tmp_path / "in/a.sarc/mine.txt").read_text() == "mine"
