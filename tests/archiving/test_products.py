"""Products in folders and lists: one scene each, archived whole, judged with all their files, given back as products, deleted as one."""

import json
import os
import shutil
import sqlite3
import zipfile
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
