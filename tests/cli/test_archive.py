"""`sarcodec archive` as a user types it: reports, lists of what is not done, and words that make no sense together."""

import json

import pytest

from archiving.scenes import folder_of_scenes, outputs, rows
from cli.shell import invoke


@pytest.fixture(scope="module")
def archived(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    source = folder_of_scenes(folder / "in", 4, bad=(1,))
    return source, folder / "out", invoke("archive", source, folder / "out", "--progress", "--workers", 2)


def test_the_report_counts_and_lists(archived):
    source, out, done = archived
    assert done.code == 0
    first, second = done.stdout.splitlines()
    assert first == f"{out}: 3 of 4 scenes are done; 0 failed, 1 refused"
    assert "times smaller; each was decoded and keeps what was promised" in second
    *progress, refused = done.stderr.splitlines()
    assert refused.startswith(f"sarcodec: refused: {source}/a/deep/scene-001.tif: cannot open")
    assert (
        progress[-1].startswith("archive: 100 %, 4 of 4 scenes, ") and "kB saved, 0 failed, 1 refused" in progress[-1]
    )


def test_json(archived):
    source, out, _ = archived
    done = invoke("archive", source, out, "--json")
    said = json.loads(done.stdout)
    assert (done.code, said["scenes"], said["done"], said["kept"], said["refused"], said["failed"]) == (
        0,
        4,
        3,
        3,
        1,
        0,
    )
    assert said["problems"][0]["exit_code"] == 3


def test_a_failure_is_listed_and_ends_with_1(archived, tmp_path):
    source, _, _ = archived
    names = tmp_path / "list.txt"
    names.write_text(f"{source}/b/scene-002.TIFF\n{source}/none.tif\n")
    done = invoke("archive", names, tmp_path / "out")
    assert done.code == 1
    assert "1 of 2 scenes are done; 1 failed, 0 refused" in done.stdout
    assert done.stderr.startswith(f"sarcodec: failed: {source}/none.tif: {source}/none.tif")
    assert outputs(tmp_path / "out") == {f"{source}/b/scene-002.sarc".lstrip("/")}


def test_verify_and_restore(archived, tmp_path):
    _, out, _ = archived
    done = invoke("archive", "--verify", out, "--sample", 2)
    assert done.code == 0 and "3 outputs; 2 of 2 that were read" in done.stdout
    done = invoke("archive", "--restore", out, tmp_path / "back", "--json")
    assert done.code == 0 and json.loads(done.stdout)["restored"] == 3
    assert sorted(path.name for path in (tmp_path / "back").rglob("scene*")) == [
        "scene-000.TIFF",
        "scene-002.TIFF",
        "scene-003.tif",
    ]


def test_a_dry_run_writes_nothing(archived, tmp_path):
    source, out, _ = archived
    done = invoke("archive", source, tmp_path / "new", "--dry-run")
    assert (
        done.code == 0
        and "4 scenes of " in done.stdout
        and "from a tile each of 3 scenes; 1 were refused" in done.stdout
    )
    assert not (tmp_path / "new").exists()
    done = invoke("archive", source, out, "--dry-run")
    assert "1 scene of 16 bytes is to be compressed, 3 are done" in done.stdout and "none was taken" in done.stdout


def test_sources_go_where_that_is_asked(tmp_path):
    source = folder_of_scenes(tmp_path / "in", 3, bad=(2,))
    assert invoke("archive", source, tmp_path / "out", "--delete-source", "--lossless").code == 0
    assert [path.name for path in source.rglob("scene*")] == ["scene-002.TIFF"]
    assert all(row["rmse_db"] == 0 for row in rows(tmp_path / "out").values() if row["state"] == "done")


@pytest.mark.parametrize(
    "words, says",
    [
        (("in",), "in is the only name; expected SOURCE OUT"),
        (("--verify", "a", "b"), "--verify takes one folder"),
        (("--restore", "a"), "is the only name"),
        (("a", "b", "--sample", "3"), "--sample says how many outputs --verify reads"),
        (("--verify", "a", "--delete-source"), "--delete-source belongs to compressing; leave it out with --verify"),
        (("--restore", "a", "b", "--delete-source"), "--delete-source belongs to compressing"),
        (("a", "b", "--shard", "4/3"), "'4/3' is no part such as 3/100"),
        (("a", "b", "--dry-run", "--delete-source"), "--dry-run judges nothing, and --delete-source"),
        (("--verify", "a", "--dry-run"), "--dry-run belongs to compressing"),
        (("--verify", "--restore", "a", "b"), "not allowed with"),
        (("none", "b"), "none is not there"),
        (("--verify", "none"), "none is no folder"),
        (("a", "b", "--quality", "3", "--lossless"), "not allowed with"),
    ],
)
def test_words_that_make_no_sense(words, says):
    done = invoke("archive", *words)
    assert done.code == 2 and says in done.stderr and len(done.stderr.splitlines()) == 1
