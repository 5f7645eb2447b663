"""An archive from beginning to end, with the codec and real processes."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude, store
from archiving.scenes import CREW, again, folder_of_scenes, leftovers, outputs, require_table_is_disk, rows
from sarcodec.errors import InvalidArgument
from sarcodec.raster.geotiff import read_array

pytestmark = pytest.mark.usefixtures("crew")


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Seven scenes, of which one is none, and their archive with what its verb said."""
    folder = tmp_path_factory.mktemp("archive")
    source = folder_of_scenes(folder / "in", 7, bad=(3,))
    return source, folder / "out", sarcodec.archive(source, folder / "out", workers=2)


@pytest.fixture
def copy(first, tmp_path):
    """The archive in another place, which a test may change; its source stays."""
    import shutil

    shutil.copytree(first[1], tmp_path / "out")
    return tmp_path / "out"


def test_one_bad_scene_does_not_stop_the_rest(first):
    source, out, report = first
    assert (report.scenes, report.done, report.failed, report.refused, report.kept) == (7, 6, 0, 1, 0)
    assert report.passed and report.problems[0].exit_code == 3 and "scene-003" in report.problems[0].source
    assert report.bytes_out == sum((out / name).stat().st_size for name in outputs(out))
    assert outputs(out) == {
        "a/scene-000.sarc",
        "a/deep/scene-001.sarc",
        "b/scene-002.sarc",
        "a/deep/scene-004.sarc",
        "b/scene-005.sarc",
        "a/scene-006.sarc",
    }
    require_table_is_disk(out, source)


def test_a_row_tells_what_was_promised_and_what_was_found(first):
    row = rows(first[1])["a/scene-000.sarc"]
    assert (row["promised"], row["model"], row["tries"], row["deleted"]) == ("quality 60", "lapped32", 1, 0)
    assert 0 < row["rmse_db"] <= 1.05 * row["promised_rmse_db"] + 0.02 and abs(row["bias_power_db"]) < 0.05
    with sarcodec.open(first[1] / "a/scene-000.sarc") as scene:
        back = scene.read(1).astype(float)
    original = read_array(row["source"])[0][0].astype(float)
    error = 20 * np.log10(back / original)
    assert row["rmse_db"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-3)
    assert row["max_error_db"] == pytest.approx(np.abs(error).max(), rel=1e-3)


def test_any_executor_works(tmp_path):
    source = folder_of_scenes(tmp_path / "in", 2)
    with ThreadPoolExecutor(2) as executor:
        report = sarcodec.archive(source, tmp_path / "out", executor=executor)
        assert executor.submit(len, "open").result() == 4
    assert report.done == 2
    require_table_is_disk(tmp_path / "out", source)


def test_a_second_start_changes_nothing(first, copy):
    source, _, report = first
    times = {name: (copy / name).stat().st_mtime_ns for name in outputs(copy)}
    table = rows(copy)
    second = again(source, copy)
    assert (second.done, second.kept, second.refused, second.bytes_out) == (6, 6, 1, report.bytes_out)
    assert rows(copy) == table and times == {name: (copy / name).stat().st_mtime_ns for name in outputs(copy)}


def test_an_output_without_a_row_is_judged_and_entered(first, copy):
    times = {name: (copy / name).stat().st_mtime_ns for name in outputs(copy)}
    (copy / "archive.sqlite").unlink()
    report = again(first[0], copy)
    assert (report.done, report.kept, report.entered) == (6, 0, 6)
    assert times == {name: (copy / name).stat().st_mtime_ns for name in outputs(copy)}
    require_table_is_disk(copy, first[0])


def test_a_row_without_an_output_is_done_again(first, copy):
    (copy / "b/scene-002.sarc").unlink()
    report = again(first[0], copy)
    assert (report.done, report.kept) == (6, 5)
    require_table_is_disk(copy, first[0])
    assert rows(copy)["b/scene-002.sarc"]["tries"] == 2


@pytest.mark.parametrize("harm", ["cut", "bit of the head", "of another scene"])
def test_an_output_that_was_harmed_is_made_again(first, copy, harm):
    path = copy / "b/scene-002.sarc"
    data = bytearray(path.read_bytes())
    if harm == "of another scene":
        data = bytearray((copy / "b/scene-005.sarc").read_bytes())
    elif harm == "cut":
        del data[-10:]
    else:
        data[40] ^= 4
    path.write_bytes(data)
    report = again(first[0], copy)
    assert (report.done, report.kept, report.failed) == (6, 5, 0)
    require_table_is_disk(copy, first[0])


def test_a_file_of_somebody_else_stays(tmp_path):
    source = folder_of_scenes(tmp_path / "in", 2)
    (tmp_path / "out/a").mkdir(parents=True)
    sarcodec.compress(store(tmp_path / "other.tif", amplitude(99, 64, 64)), tmp_path / "out/a/scene-000.sarc")
    before = (tmp_path / "out/a/scene-000.sarc").read_bytes()
    for _ in range(2):
        report = again(source, tmp_path / "out")
        assert (report.done, report.failed) == (1, 1) and report.problems[0].exit_code == 6 and not report.passed
        assert (tmp_path / "out/a/scene-000.sarc").read_bytes() == before


def test_a_source_that_changed_is_compressed_again(tmp_path):
    source, out = folder_of_scenes(tmp_path / "in", 3), tmp_path / "out"
    again(source, out)
    times = {name: (out / name).stat().st_mtime_ns for name in outputs(out)}
    store(source / "a/deep/scene-001.tif", amplitude(50, 64, 64))
    os.utime(source / "b/scene-002.TIFF", (1, 1))  # touched, and the same
    report = again(source, out)
    assert (report.done, report.kept, report.entered) == (3, 1, 1)
    assert {name for name, when in times.items() if (out / name).stat().st_mtime_ns != when} == {
        "a/deep/scene-001.sarc"
    }
    require_table_is_disk(out, source)


def test_what_was_refused_is_tried_again_where_that_is_asked_or_it_changed(tmp_path):
    source, out = folder_of_scenes(tmp_path / "in", 2, bad=(0,)), tmp_path / "out"
    assert [again(source, out).refused, again(source, out).refused, again(source, out, retry=True).refused] == [1, 1, 1]
    assert rows(out)["a/scene-000.sarc"]["tries"] == 2
    store(tmp_path / "good.tif", amplitude(0, 64, 64)).rename(source / "a/scene-000.TIFF")
    assert again(source, out).done == 2


def test_other_options_are_refused(first, copy):
    with pytest.raises(InvalidArgument, match="begun with other options .defaults., and now there are: lossless True"):
        sarcodec.archive(first[0], copy, lossless=True)
    assert again(first[0], copy, memory=1 << 29, threads=2, domain="auto", effort=1).kept == 6


@pytest.mark.parametrize(
    "options, says",
    [
        ({"quality": 50, "lossless": True}, "2 targets were given"),
        ({"overwrite": True}, "archive knows no option overwrite"),
        ({"effort": 9}, "effort is 9"),
        ({"memory": 1}, "memory is 1 bytes, expected at least"),
        ({"shard": (3, 2)}, "expected I/N"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_options_are_refused_before_any_work(first, tmp_path, options, says):
    with pytest.raises(InvalidArgument, match=says):
        sarcodec.archive(first[0], tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_shards_and_then_the_whole(first, tmp_path):
    source, out = first[0], tmp_path / "out"
    parts = [again(source, out, shard=(number, 3)) for number in (1, 2, 3)]
    assert sum(part.scenes for part in parts) == 7 and sum(part.done for part in parts) == 6
    assert not (out / "archive.sqlite").exists()
    whole = again(source, out)
    assert (whole.done, whole.kept, whole.refused) == (6, 6, 1)
    require_table_is_disk(out, source)


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_what_can_be_no_scene_does_not_count_as_restored(first, tmp_path, make):
    (tmp_path / "back/b").mkdir(parents=True)
    make(tmp_path / "back/b/scene-002.TIFF")
    report = sarcodec.restore_archive(first[1], tmp_path / "back", executor=CREW["processes"], workers=2)
    assert (report.restored, report.kept, report.failed) == (5, 0, 1)
    assert report.problems[0].source == "b/scene-002.sarc" and "move it away" in report.problems[0].error


def test_a_folder_without_an_archive_is_not_called_sound(tmp_path):
    (tmp_path / "notes.txt").write_text("no archive")
    for read in (sarcodec.verify_archive, lambda out: sarcodec.restore_archive(out, tmp_path / "back")):
        with pytest.raises(InvalidArgument, match="holds neither a table nor an output"):
            read(tmp_path)
    assert not (tmp_path / "back").exists()


def test_nothing_is_left_beside_outputs(first):
    assert not leftovers(first[1])
    assert {path.name for path in first[1].iterdir()} == {"a", "b", "archive.lock", "archive.sqlite"}


def test_restored_under_the_old_names_and_only_once(first, tmp_path):
    source, out, _ = first
    report = sarcodec.restore_archive(out, tmp_path / "back", workers=2)
    assert (report.outputs, report.restored, report.kept, report.failed) == (6, 6, 0, 0)
    names = {path.relative_to(tmp_path / "back").as_posix() for path in (tmp_path / "back").rglob("*.[tT]*")}
    assert names == {path.relative_to(source).as_posix() for path in source.rglob("*.[tT]*")} - {"a/scene-003.tif"}
    for name in names:
        before, after = read_array(source / name), read_array(tmp_path / "back" / name)
        assert np.abs(20 * np.log10(after[0] / before[0])).max() < 5
    assert sarcodec.restore_archive(out, tmp_path / "back", workers=2).kept == 6


def test_read_again(first, copy):
    whole = sarcodec.verify_archive(copy, workers=2)
    assert (whole.outputs, whole.tried, whole.sound, whole.failed, whole.unlisted) == (6, 6, 6, 0, 0)
    sample = sarcodec.verify_archive(copy, sample=2, seed=1, workers=2)
    assert (sample.outputs, sample.tried, sample.sound) == (6, 2, 2) and sample.passed


def test_reading_again_finds_what_is_damaged_gone_or_another(first, copy):
    data = bytearray((copy / "b/scene-002.sarc").read_bytes())
    data[-1] ^= 1
    (copy / "b/scene-002.sarc").write_bytes(data)
    (copy / "b/scene-005.sarc").unlink()
    (copy / "a/scene-000.sarc").write_bytes((copy / "a/scene-006.sarc").read_bytes())
    (copy / "new.sarc").write_bytes((copy / "a/scene-006.sarc").read_bytes())
    report = sarcodec.verify_archive(copy, workers=2)
    assert (report.outputs, report.tried, report.sound, report.failed, report.unlisted) == (7, 6, 4, 3, 1)
    assert {one.source for one in report.problems} == {"b/scene-002.sarc", "b/scene-005.sarc", "a/scene-000.sarc"}
    assert not report.passed
