"""Products in folders and lists: one scene each, archived whole, judged with all their files, given back as products, deleted as one."""

import json
import os
import shutil
import sqlite3
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import sarcodec
from api.scenes import amplitude, store
from archiving.scenes import leftovers, outputs, rows
from archiving.test_items import lines
from products.small_safe import make_product
from sarcodec.archiving.deciding import Wishes, step_of
from sarcodec.archiving.judge import judge
from sarcodec.archiving.names import Listing, Scene, output_of
from sarcodec.archiving.places import FolderPlace
from sarcodec.archiving.removing import remove_source
from sarcodec.archiving.sources import state_of
from sarcodec.archiving.tasks import Job
from sarcodec.doors import geoparquet
from sarcodec.errors import OutputExists


def packed(product: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(p for p in product.rglob("*") if p.is_file()):
            archive.write(path, f"{product.name}/{path.relative_to(product).as_posix()}")
    return target


def files(product: Path) -> dict[str, bytes]:
    return {path.relative_to(product).as_posix(): path.read_bytes() for path in product.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A product, another one packed, and a scene beside them."""
    folder = tmp_path_factory.mktemp("products") / "in"
    (folder / "day").mkdir(parents=True)
    product = make_product(folder / "day")
    packed(product, folder / "day" / "S1A_packed.zip")
    store(folder / "day" / "alone.tif", amplitude(1, 64, 64))
    return folder


@pytest.fixture(scope="module")
def archived(source):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geoparquet, "is_there", lambda: False)
        report = sarcodec.archive(source, source.parent / "out", workers=2, effort=0)
    return source, source.parent / "out", report


@pytest.mark.parametrize(
    "name, output",
    [
        ("a/S1A_X.SAFE", "a/S1A_X.sarc"),
        ("a/S1A_X.SAFE/", "a/S1A_X.sarc"),
        ("a/S1A_X.SAFE/manifest.safe", "a/S1A_X.sarc"),
        ("S1A_X.zip", "S1A_X.sarc"),
        ("S1A_X.SAFE.ZIP", "S1A_X.sarc"),
        ("manifest.safe", "manifest.sarc"),
    ],
)
def test_outputs_of_products(name, output):
    assert output_of(name) == output


def test_a_product_is_one_scene(source):
    product = next((source / "day").glob("*.SAFE"))
    found = {scene.output: scene.source for scene in Listing(source)}
    assert found == {
        f"day/{product.stem}.sarc": str(product),
        "day/S1A_packed.sarc": str(source / "day" / "S1A_packed.zip"),
        "day/alone.sarc": str(source / "day" / "alone.tif"),
    }
    assert list(Listing(product)) == [Scene(str(product), f"{product.stem}.sarc")]
    assert [scene.output for scene in Listing(product / "manifest.safe")] == [f"{product.stem}.sarc"]


def test_archives_that_are_no_products_are_left_out_and_damaged_products_are_not(tmp_path):
    with zipfile.ZipFile(tmp_path / "birds.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    (tmp_path / "S1A_cut.zip").write_bytes(b"PK\3\4 and no more")
    (tmp_path / "empty.SAFE").mkdir()
    assert [scene.output for scene in Listing(tmp_path)] == ["S1A_cut.sarc", "empty.sarc"]
    report = sarcodec.archive(tmp_path, tmp_path / "out", workers=1)
    assert (report.done, report.refused + report.failed) == (0, 2) and not outputs(tmp_path / "out")


def test_whole_products_are_archived(archived, monkeypatch):
    monkeypatch.setattr(geoparquet, "is_there", lambda: False)
    source, out, report = archived
    assert (report.done, report.failed, report.refused) == (3, 0, 0), report.problems
    product = next((source / "day").glob("*.SAFE"))
    row = rows(out)[f"day/{product.stem}.sarc"]
    assert row["bytes_in"] == sum(map(len, files(product).values())) and row["rmse_db"] > 0
    assert sarcodec.info(out / "day" / f"{product.stem}.sarc").product.name == product.name
    assert sarcodec.archive(source, out, workers=1, effort=0).kept == 3
    assert not leftovers(out)


def test_items_say_what_the_manifest_does(archived):
    _, out, report = archived
    found = lines(out)
    assert (report.items, report.without_item) == (2, 1)
    assert {one["properties"]["sat:absolute_orbit"] for one in found} == {60000}
    base = sqlite3.connect(out / "archive.sqlite")
    assert [
        json.loads(item) for (item,) in base.execute("SELECT item FROM items WHERE item NOTNULL ORDER BY output")
    ] == found


def test_products_come_back_as_products(archived, tmp_path):
    source, out, _ = archived
    report = sarcodec.restore_archive(out, tmp_path / "back", workers=1)
    assert (report.restored, report.failed) == (3, 0), report.problems
    product = next((source / "day").glob("*.SAFE"))
    before, after = files(product), files(tmp_path / "back" / "day" / product.name)
    assert set(before) == set(after)
    assert all(before[name] == after[name] for name in before if name.startswith(("annotation", "preview")))
    with zipfile.ZipFile(tmp_path / "back" / "day" / "S1A_packed.zip") as archive:
        assert len(archive.namelist()) == len(before)
    assert sarcodec.restore_archive(out, tmp_path / "back", workers=1).kept == 3


@pytest.fixture
def back(archived, tmp_path) -> Path:
    """What was restored: a folder, and an archive beside it."""
    with ThreadPoolExecutor(1) as here:
        assert sarcodec.restore_archive(archived[1], tmp_path / "back", executor=here).restored == 3
    return tmp_path / "back" / "day"


def restored_again(archived, back, code=0):
    """What a second start says."""
    with ThreadPoolExecutor(1) as here:
        report = sarcodec.restore_archive(archived[1], back.parent, executor=here)
    assert [one.exit_code for one in report.problems] == [code] * report.failed and not leftovers(back)
    return report


@pytest.mark.parametrize("lost", ["measurement/*-vv-*", "measurement", "annotation/calibration/*", "annotation"])
def test_what_a_restored_product_lost_comes_back(archived, back, lost):
    product = next(back.glob("*.SAFE"))
    before, note = files(product), product / "annotation" / "mine.txt"
    for path in list(product.glob(lost)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    note.parent.mkdir(exist_ok=True)
    note.write_text("of the user")
    assert files(product).keys() < {*before, "annotation/mine.txt"}
    report = restored_again(archived, back)
    assert (report.restored, report.kept, report.failed) == (1, 2, 0), report.problems
    assert files(product) == {**before, "annotation/mine.txt": b"of the user"}
    assert restored_again(archived, back).kept == 3


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


@pytest.mark.parametrize("which", ["measurement/*-vh-*", "preview/*"])
@pytest.mark.parametrize("also_lost", [False, True])
def test_what_a_restored_product_has_in_another_size_is_said_and_stays(archived, back, which, also_lost):
    product = next(back.glob("*.SAFE"))
    cut(next(product.glob(which)))
    if also_lost:
        next(product.glob("measurement/*-vv-*")).unlink()
    before = files(product)
    report = restored_again(archived, back, OutputExists.exit_code)
    assert (report.restored, report.kept, report.failed) == (0, 2, 1)
    said = report.problems[0].error
    assert which[:7] in said and "of other sizes than were restored" in said and "move it away" in said
    assert files(product) == before


def test_a_product_that_was_restored_otherwise_is_not_mixed(archived, back):
    product = next(back.glob("*.SAFE"))
    next(product.glob("measurement/*-vv-*")).unlink()
    before = files(product)
    with ThreadPoolExecutor(1) as here:
        report = sarcodec.restore_archive(archived[1], back.parent, executor=here, reconstruct="log")
    assert report.failed == 1 and "restored in another way than now" in report.problems[0].error
    assert files(product) == before and not leftovers(back)


@pytest.mark.parametrize(
    "keep, said", [("measurement/", "is there without S1A-report.pdf, annotation/"), ("", "is not what was archived")]
)
def test_an_archive_that_lacks_files_is_said_and_stays(archived, back, keep, said):
    path = back / "S1A_packed.zip"
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if keep in name or "manifest" in name}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in kept.items():
            if keep or "manifest" not in name:
                archive.writestr(name, data)
    before = path.read_bytes()
    report = restored_again(archived, back, OutputExists.exit_code)
    assert (report.kept, report.failed) == (2, 1) and said in report.problems[0].error
    assert path.read_bytes() == before


@pytest.mark.parametrize("size", [0, 1000])
def test_a_cut_archive_is_no_product(archived, back, size):
    (back / "S1A_packed.zip").write_bytes((back / "S1A_packed.zip").read_bytes()[:size])
    assert "is not what was archived" in restored_again(archived, back, OutputExists.exit_code).problems[0].error


def test_a_product_without_its_manifest_is_said(archived, back):
    (next(back.glob("*.SAFE")) / "manifest.safe").unlink()
    assert "is not what was archived" in restored_again(archived, back, OutputExists.exit_code).problems[0].error


def test_without_a_table_a_product_comes_back_too(archived, tmp_path):
    _, out, _ = archived
    shutil.copytree(out, tmp_path / "out", ignore=shutil.ignore_patterns("*.sqlite", "alone*"))
    assert sarcodec.restore_archive(tmp_path / "out", tmp_path / "back", workers=1).restored == 2
    assert {path.suffix for path in (tmp_path / "back" / "day").iterdir()} == {".SAFE"}


def test_a_file_that_lacks_a_part_of_the_product_is_not_done(archived, tmp_path):
    source, out, _ = archived
    product = shutil.copytree(next((source / "day").glob("*.SAFE")), tmp_path / "p.SAFE")
    target = out / "day" / f"{next((source / 'day').glob('*.SAFE')).stem}.sarc"
    renamed = Job(str(product), str(target), {"effort": 0})
    assert "safe.json of the product" in judge(renamed, "").error  # it has another name
    (product / "preview").mkdir(exist_ok=True)
    (product / "preview" / "more.html").write_text("more")
    sarcodec.compress(product, tmp_path / "p.sarc", effort=0)
    assert judge(Job(str(product), str(tmp_path / "p.sarc"), {"effort": 0}), "").code == 0
    (product / "preview" / "more.html").write_text("less")
    assert "safe/preview/more.html" in judge(Job(str(product), str(tmp_path / "p.sarc"), {"effort": 0}), "").error


def test_a_change_of_any_file_is_seen(archived, tmp_path):
    source, _, _ = archived
    product = Path(shutil.copytree(next((source / "day").glob("*.SAFE")), tmp_path / "in" / "p.SAFE"))
    sarcodec.archive(tmp_path / "in", tmp_path / "out", workers=1, effort=0)
    step = step_of_one(tmp_path)
    assert step.action == "keep"
    inner = next((product / "annotation").glob("*.xml"))
    inner.write_bytes(inner.read_bytes())
    assert step_of_one(tmp_path).action == "judge"


def step_of_one(folder: Path):
    from sarcodec.archiving.table import Table

    (scene,) = Listing(folder / "in")
    with Table(folder / "out" / "archive.sqlite") as table:
        return step_of(scene, FolderPlace(folder / "out"), table.get(scene.output), Wishes())


def test_a_product_is_deleted_as_one(tmp_path):
    from sarcodec.archiving.table import Row

    product = make_product(tmp_path)
    size, latest = state_of(str(product))
    row = Row(output="p.sarc", source=str(product / "manifest.safe"), state="done", bytes_in=size, modified_ns=latest)
    (tmp_path / "link.SAFE").symlink_to(product)
    assert not remove_source(replace(row, source=str(tmp_path / "link.SAFE")), ())
    assert not remove_source(replace(row, bytes_in=size + 1), ()) and product.is_dir()
    assert remove_source(row, ())
    assert os.listdir(tmp_path) == ["link.SAFE"]


def test_an_estimate_of_products(source, tmp_path):
    report = sarcodec.estimate_archive(source, tmp_path / "none", workers=1, effort=0)
    assert (report.scenes, report.sampled, report.refused) == (3, 3, 0) and report.bytes_out > 10_000
