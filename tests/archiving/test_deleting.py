"""Sources that are deleted once their outputs were judged, and what becomes of outputs that are then lost."""

import os

import numpy as np
import pytest

import sarcodec
from archiving.scenes import again, folder_of_scenes, outputs, rows
from cli.shell import invoke
from sarcodec.archiving import verb
from sarcodec.archiving.items import Items
from sarcodec.errors import InvalidArgument
from sarcodec.raster.geotiff import read_array

pytestmark = pytest.mark.usefixtures("crew")


def test_sources_are_deleted_once_their_outputs_were_judged_in_this_run(tmp_path):
    source, out = folder_of_scenes(tmp_path / "in", 4, bad=(3,)), tmp_path / "out"
    originals = {path.name: read_array(path)[0] for path in source.rglob("scene-00[0-2]*")}
    again(source, out)
    damaged = out / "a/scene-000.sarc"
    data = bytearray(damaged.read_bytes())
    data[-1] ^= 1  # a payload: the head that the table knows stays
    damaged.write_bytes(data)
    report = again(source, out, delete_source=True)
    assert report.done == 3
    assert [path.name for path in source.rglob("scene*")] == ["scene-003.tif"]
    for row in rows(out).values():
        if row["state"] == "done":
            assert row["deleted"] and sarcodec.verify(out / row["output"]).passed
            with sarcodec.open(out / row["output"]) as scene:
                back, original = scene.read(), originals[os.path.basename(row["source"])]
            assert np.abs(20 * np.log10(back / original)).max() < 5
    assert again(tmp_path / "in", out).scenes == 1 and len(outputs(out)) == 3


def test_sources_that_stay_although_they_were_to_be_deleted_are_counted(tmp_path):
    source, out = folder_of_scenes(tmp_path / "in", 2), tmp_path / "out"
    first, second = sorted(source.rglob("scene*"))
    first.rename(tmp_path / "away.tif")
    first.symlink_to(tmp_path / "away.tif")
    report = again(source, out, delete_source=True)
    assert report.done == 2 and first.exists() and not second.exists()
    (note,) = report.notes
    assert note.startswith("1 of the sources") and "behind a link" in note
    assert sorted(row["deleted"] for row in rows(out).values()) == [0, 1]
    assert again(source, out).notes == ()


def test_deleting_in_a_bucket_is_refused_with_what_to_do(tmp_path):
    done = invoke("archive", "s3://bucket/in", tmp_path / "out", "--delete-source")
    assert done.code == 2 and done.stderr.count("\n") == 1 and not (tmp_path / "out").exists()
    assert (
        "in a bucket are not deleted" in done.stderr and "SELECT source FROM scenes WHERE state = 'done'" in done.stderr
    )


@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_an_output_that_is_lost_and_cannot_be_made_again_is_missed_until_it_is_back(tmp_path, harm):
    source, out = folder_of_scenes(tmp_path / "in", 2), tmp_path / "out"
    (tmp_path / "list.txt").write_text("\n".join(map(str, sorted(source.rglob("scene*")))))
    again(tmp_path / "list.txt", out, delete_source=True)
    before = rows(out)
    name = min(before)
    path, good = out / name, (out / name).read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(good[:50] + b"xxxx" + good[54:])
    for _ in range(2):
        report = again(tmp_path / "list.txt", out)
        assert (report.done, report.failed) == (1, 1) and "put a copy of either back" in report.problems[0].error
        assert rows(out) == before
    review = sarcodec.verify_archive(out)
    assert review.failed == 1 and review.problems[0].source == name
    assert sarcodec.restore_archive(out, tmp_path / "back").failed == 1
    path.write_bytes(good)
    assert again(tmp_path / "list.txt", out).kept == 2 and rows(out) == before


def test_a_run_that_was_cut_after_the_last_scene_was_deleted_is_brought_to_its_end(tmp_path, monkeypatch):
    source, out = folder_of_scenes(tmp_path / "in", 2), tmp_path / "out"

    def cut(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as context, pytest.raises(KeyboardInterrupt):
        context.setattr(verb, "write_items", cut)
        again(source, out, delete_source=True)
    assert not list(source.rglob("scene*"))
    written = []
    monkeypatch.setattr(verb, "write_items", lambda *found: written.append(found) or Items())
    report = again(source, out, delete_source=True)
    assert (report.scenes, report.failed) == (0, 0) and written
    (tmp_path / "other").mkdir()
    with pytest.raises(InvalidArgument, match="holds no scene"):
        again(tmp_path / "other", tmp_path / "new")
    assert not (tmp_path / "new").exists()
