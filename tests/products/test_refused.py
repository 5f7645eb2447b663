"""What is no product that can be given back is refused in a sentence that says what to do, and nothing is left behind."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import sarcodec
from api.scenes import amplitude, store
from cli.shell import environment, invoke
from products.small_safe import Odd, make_product
from products.test_round_trip import tree
from sarcodec.errors import (
    CorruptFile,
    InvalidArgument,
    OutputExists,
    SarcodecError,
    UnreadableScene,
    UnsupportedScene,
)
from sarcodec.products.layout import unpack_product


@pytest.fixture
def product(tmp_path, lossy) -> Path:
    """A copy that may be spoiled."""
    return Path(shutil.copytree(lossy.product, tmp_path / "in" / lossy.product.name))


def refused(source: Path, kind: type[SarcodecError], words: str, **options) -> str:
    """One sentence or two in one line, and neither output nor leftovers."""
    folder = source.parent
    before = sorted(folder.iterdir())
    with pytest.raises(kind) as found:
        sarcodec.compress(source, folder / "out.sarc", **options)
    assert re.search(words, str(found.value)), str(found.value)
    assert "\n" not in str(found.value)
    assert sorted(folder.iterdir()) == before
    return str(found.value)


def spoil(product: Path, old: str, new: str) -> None:
    """Change what the manifest says."""
    path = product / "manifest.safe"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def vv(product: Path) -> Path:
    return next(product.glob("measurement/*-vv-*"))


@pytest.mark.parametrize(
    "kind, words",
    [
        ("SLC", "type SLC, whose pixels are complex.*Fetch the GRD"),
        ("OCN", "type OCN; expected GRD.*measurement/s1a-iw-grd-vv"),
    ],
)
def test_other_types(tmp_path, kind, words):
    refused(make_product(tmp_path, Odd(product_type=kind)), UnsupportedScene, words)


def test_another_mission(product):
    spoil(product, "SENTINEL-1<", "SENTINEL-2<")
    refused(product, UnsupportedScene, "a product of SENTINEL-2; expected one of Sentinel-1")


def test_measurements_of_different_size(tmp_path):
    product = make_product(tmp_path, Odd(shape_vh=(200, 300)))
    refused(product, UnsupportedScene, r"VV has 540 x 610 pixels of uint16, VH 200 x 300.*one at a time")


def test_a_missing_measurement(product):
    vv(product).unlink()
    refused(
        product,
        UnreadableScene,
        r"missing \(measurement/s1a-iw-grd-vv-.*fetch it again, or take it as it is \(--as-is\)",
    )
    sarcodec.compress(product, product.parent / "half.sarc", as_is=True)
    assert sarcodec.info(product.parent / "half.sarc").product.polarisations == ("VH",)


def test_no_measurement_at_all(product):
    shutil.rmtree(product / "measurement")
    refused(product, UnsupportedScene, "holds none of the 2 measurements.*Fetch the product again", as_is=True)


@pytest.mark.parametrize("path", ["annotation/calibration/noise*vh*", "measurement/*vv*"])
def test_a_damaged_file(product, path):
    file = next(product.glob(path))
    data = bytearray(file.read_bytes())
    data[-len(data) // 3] ^= 1
    file.write_bytes(data)
    refused(product, UnreadableScene, f"not those of its checksums \\({file.relative_to(product)}\\); fetch it again")
    report = sarcodec.compress(product, product.parent / "so.sarc", as_is=True)
    assert f"whose checksum is not the manifest's: {file.relative_to(product)}." in " ".join(report.notes)
    back = sarcodec.decompress(product.parent / "so.sarc", product.parent / "so.SAFE")
    assert (Path(back.path) / "annotation").is_dir()


def test_a_truncated_measurement_is_named_and_not_the_unpacked_file(product):
    vv(product).write_bytes(b"II*\0\x08")
    archive = zipped(product)
    said = refused(archive, UnreadableScene, "measurement/s1a-iw-grd-vv")
    assert ".part" not in said


def test_a_manifest_that_is_no_xml(product):
    (product / "manifest.safe").write_text("<xfdu")
    refused(product, UnsupportedScene, "no sound XML.*fetch the product again")


def test_a_manifest_that_defines_words(product):
    spoil(product, '<?xml version="1.0" encoding="UTF-8"?>', '<!DOCTYPE a [<!ENTITY b "c">]>')
    refused(product, UnsupportedScene, "defines words of its own")


def test_a_manifest_that_names_files_elsewhere(product):
    spoil(product, "./preview/quick-look.png", "../../etc/passwd")
    refused(product, UnsupportedScene, "names '../../etc/passwd', which lies outside the product")


def test_links_to_folders(product):
    os.rename(product / "preview", product.parent / "elsewhere")
    os.symlink(product.parent / "elsewhere", product / "preview")
    refused(product, InvalidArgument, "is a link to a folder.*cp -rL")


def zipped(product: Path, **more: bytes) -> Path:
    """The product as an archive, with more members."""
    path = product.parent / "p.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file, data in tree(product).items():
            archive.writestr(f"{product.name}/{file}", data)
        for name, data in more.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "name, words",
    [
        ("../evil.txt", r"called '../evil.txt', which leads out of the product"),
        ("/abs.txt", r"called '/abs.txt'"),
        ("a/../../b", "leads out of the product"),
        ("a\\..\\b", "leads out of the product"),
        ("note.txt", "holds note.txt beside the product.*unpack it"),
        ("other/manifest.safe", "holds 2 products, expected one; unpack it"),
    ],
)
def test_odd_names_in_an_archive(product, name, words):
    refused(zipped(product, **{name: b"x"}), UnsupportedScene, words)


def test_a_damaged_archive(product):
    path = zipped(product)
    data = bytearray(path.read_bytes())
    data[5000] ^= 255
    path.write_bytes(data)
    refused(path, UnreadableScene, "zip archive that cannot be read|not those of its checksums")


def test_an_archive_without_a_product_is_refused_as_before(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    refused(tmp_path / "a.zip", UnreadableScene, "it holds no TIFF")


@pytest.mark.parametrize("folder", ["support", "measurement"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_pipes_and_devices_in_a_product_are_not_read(product, folder, make):
    make(product / folder / "odd")
    refused(product, UnsupportedScene, "odd is a pipe, a socket or a device.*out of the product")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    refused(tmp_path / "pipe.zip", InvalidArgument, "is a pipe")


def test_a_measurement_that_is_listed_twice_is_one_band(product):
    text = (product / "manifest.safe").read_text()
    block = re.search(r"<dataObject [^>]*s1Level1MeasurementSchema.*?</dataObject>\n", text, re.DOTALL)[0]
    spoil(product, "</dataObjectSection>", f"{block}</dataObjectSection>")
    sarcodec.compress(product, product.parent / "p.sarc")
    assert sarcodec.info(product.parent / "p.sarc").product.polarisations == ("VV", "VH")


def test_a_damaged_archive_with_odd_members(product):
    """Encrypted ones, for instance."""
    path = zipped(product)
    data = bytearray(path.read_bytes())
    for found in re.finditer(b"PK\x01\x02", bytes(data)):
        data[found.start() + 8] |= 1  # the flag of encryption
    path.write_bytes(data)
    refused(path, UnreadableScene, "zip archive that cannot be read.*encrypted|password")


def test_an_output_that_is_there_is_said_before_the_work(product):
    (product.parent / "out.sarc").write_bytes(b"old")
    spoil(product, "SENTINEL-1<", "SENTINEL-2<")  # would be found later
    with pytest.raises(OutputExists):
        sarcodec.compress(product, product.parent / "out.sarc")


class TestDecompress:
    """Outputs."""

    def nothing(self, target: Path, kind: type[SarcodecError], words: str, source: object, **options) -> None:
        before = tree(target.parent)
        with pytest.raises(kind, match=words):
            sarcodec.decompress(source, target, **options)
        assert tree(target.parent) == before and not list(target.parent.glob(".sarcodec*"))

    @pytest.mark.parametrize("name", ["a.SAFE", "a.zip", "a.SAFE/"])
    def test_a_scene_is_no_product(self, tmp_path, name):
        store(tmp_path / "a.tif", amplitude(1, 40, 40))
        sarcodec.compress(tmp_path / "a.tif", tmp_path / "a.sarc")
        self.nothing(
            tmp_path / name, InvalidArgument, "holds a scene and no product.*ends in .tif", tmp_path / "a.sarc"
        )
        self.nothing(tmp_path, InvalidArgument, "is a folder", tmp_path / "a.sarc")

    @pytest.mark.parametrize(
        "part", [{"window": ((0, 4), (0, 4))}, {"indexes": 1}, {"reduce": 8}, {"attachments": "x"}]
    )
    def test_a_part_is_no_product(self, lossy, tmp_path, part):
        self.nothing(tmp_path / "a.SAFE", InvalidArgument, f"{next(iter(part))} asks for a part", lossy.file, **part)

    @pytest.mark.parametrize("name", ["a.SAFE", "a.zip"])
    def test_what_is_there_is_replaced_only_when_asked(self, lossy, tmp_path, name):
        sarcodec.decompress(lossy.file, tmp_path / name)
        self.nothing(tmp_path / name, OutputExists, "already there", lossy.file)
        (tmp_path / "a.SAFE").mkdir(exist_ok=True)
        (tmp_path / "a.SAFE" / "old.txt").write_text("of the older one")
        if name == "a.SAFE":
            sarcodec.decompress(lossy.file, tmp_path / name, overwrite=True)
            assert "old.txt" not in tree(tmp_path / name) and "manifest.safe" in tree(tmp_path / name)

    def test_a_folder_that_is_no_product_is_never_replaced(self, lossy, tmp_path):
        (tmp_path / "a.SAFE").mkdir()
        (tmp_path / "a.SAFE" / "work.txt").write_text("a day of work")
        self.nothing(tmp_path / "a.SAFE", InvalidArgument, "is no product", lossy.file, overwrite=True)

    def test_a_product_around_the_input_is_not_replaced(self, lossy, product):
        shutil.copy(lossy.file, product / "p.sarc")
        self.nothing(product, InvalidArgument, "holds the input", product / "p.sarc", overwrite=True)

    def test_no_folder_to_put_it_in(self, lossy, tmp_path):
        self.nothing(tmp_path / "none" / "a.SAFE", InvalidArgument, "does not exist; make it first", lossy.file)

    @pytest.mark.parametrize("name", ["a.SAFE", "a.zip", ""])
    def test_nothing_appears_of_a_damaged_file(self, lossy, tmp_path, name):
        data = bytearray(lossy.file.read_bytes())
        with sarcodec.open(lossy.file) as scene:
            attached = sum(record.length for record in scene._file.header.attachments)
        data[len(data) - attached - 500] ^= 4  # a tile, one of the last
        self.nothing(tmp_path / name, CorruptFile, "checksum", bytes(data))

    def test_nothing_appears_of_damaged_annotations(self, lossy, tmp_path):
        data = bytearray(lossy.file.read_bytes())
        data[-2000] ^= 4
        self.nothing(tmp_path / "a.SAFE", CorruptFile, "attachment", bytes(data))


FULL_DISK = """
import resource, sys
import sarcodec
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
try:
    sarcodec.decompress(sys.argv[1], sys.argv[2], threads=1)
except sarcodec.errors.SarcodecError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [2_000, 30_000, 300_000, 663_650])
@pytest.mark.parametrize("name", ["a.SAFE", "a.zip"])
def test_nothing_appears_on_a_full_disk(lossy, tmp_path, name, limit):
    """Files may not be larger than the limit, which cuts annotations, the head of a TIFF, its pixels or the last of them."""
    pytest.importorskip("resource")
    assert vv(lossy.product).stat().st_size > limit
    command = [sys.executable, "-c", FULL_DISK, str(lossy.file), str(tmp_path / name), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=120)
    assert done.stdout.startswith("cannot write") and done.stdout.count("\n") == 1, done
    assert os.listdir(tmp_path) == []


GOOD = {
    "kind": "sentinel-1 safe",
    "name": "S1A_X.SAFE",
    "mission": "S1A",
    "mode": "IW",
    "product_type": "GRD",
    "measurements": [{"path": "measurement/a.tiff", "polarisation": "VV", "checksum_name": "MD5", "checksum": "00"}],
}


def test_an_index_is_read():
    found = unpack_product(json.dumps(GOOD).encode(), 1)
    assert found.name == "S1A_X.SAFE" and found.measurements[0].polarisation == "VV"
    assert unpack_product(json.dumps({**GOOD, "later": 1}).encode(), 1) == found


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../S1A_X.SAFE"},
        {"name": "/S1A_X.SAFE"},
        {"name": "home"},
        {"name": 5},
        {"mode": None},
        {"measurements": []},
        {"measurements": [1]},
        {"measurements": "ab"},
        {"measurements": [{**GOOD["measurements"][0], "path": "measurement/../../a"}]},
        {"measurements": [{**GOOD["measurements"][0], "path": "manifest.safe"}]},
    ],
)
def test_an_index_that_leads_elsewhere_is_damage(change):
    with pytest.raises(CorruptFile, match="safe.json"):
        unpack_product(json.dumps({**GOOD, **change}).encode(), 1)


MANIFEST = b"<a/>"


@pytest.mark.parametrize(
    "attached, words",
    [
        ({}, "no manifest"),
        ({"safe/manifest.safe": MANIFEST}, "no safe.tiff/1/description"),
        ({"safe/manifest.safe": MANIFEST, "safe.tiff/1/head": b"II"}, "no safe.tiff/1/tail"),
        ({"safe/manifest.safe": MANIFEST, "safe.tiff/1/description": b"x"}, "metadata|description"),
        (
            {
                "safe/manifest.safe": MANIFEST,
                "safe.tiff/1/head": b"",
                "safe.tiff/1/tail": b"",
                "safe/measurement/a.tiff": b"x",
            },
            "two files of the product are called measurement/a.tiff",
        ),
        (
            {"safe/manifest.safe": MANIFEST, "safe.tiff/1/head": b"", "safe.tiff/1/tail": b""},
            "processing|does not list",
        ),
        ({"safe/manifest.safe": b"<a", "safe.tiff/1/head": b"", "safe.tiff/1/tail": b""}, "no sound XML"),
        (
            {
                "safe/manifest.safe": MANIFEST,
                "safe.tiff/1/description": b"",
                "safe.tiff/1/recipe": b"{}",
                "safe.tiff/1/tail": b"",
            },
            "recipe",
        ),
    ],
)
def test_a_file_whose_attachments_make_no_product_is_refused(tmp_path, attached, words):
    store(tmp_path / "a.tif", amplitude(1, 40, 40))
    sarcodec.compress(
        tmp_path / "a.tif", tmp_path / "a.sarc", attachments={"safe.json": json.dumps(GOOD).encode(), **attached}
    )
    before = sorted(tmp_path.iterdir())
    for name in ("b.SAFE", "b.zip"):
        with pytest.raises((CorruptFile, UnsupportedScene), match=words):
            sarcodec.decompress(tmp_path / "a.sarc", tmp_path / name)
        assert sorted(tmp_path.iterdir()) == before


def test_a_manifest_without_processing(product):
    spoil(product, '"processing"', '"something"')
    refused(product, UnsupportedScene, "says nothing of the processing of S1A.*one at a time")


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"kind": "of mine"}'])
def test_an_attachment_that_has_only_the_name_is_no_product(tmp_path, data):
    assert unpack_product(data, 1) is None
    store(tmp_path / "a.tif", amplitude(1, 40, 40))
    sarcodec.compress(tmp_path / "a.tif", tmp_path / "a.sarc", attachments={"safe.json": data})
    assert sarcodec.info(tmp_path / "a.sarc").product is None


class TestCommandLine:
    """The same verbs, as a user calls them."""

    def test_round_trip(self, lossy, tmp_path):
        done = invoke("compress", lossy.product, tmp_path / "p.sarc", "--quality", 55)
        assert done.code == 0 and done.stderr == ""
        assert (tmp_path / "p.sarc").read_bytes() == lossy.file.read_bytes()
        done = invoke("info", tmp_path / "p.sarc")
        assert f"product: {lossy.product.name} (S1A, mode IW, GRD, VV and VH)" in done.stdout
        assert "15 attachments" in done.stdout
        said = json.loads(invoke("info", tmp_path / "p.sarc", "--json").stdout)["product"]
        assert said["mode"] == "IW" and [m["polarisation"] for m in said["measurements"]] == ["VV", "VH"]
        done = invoke("decompress", tmp_path / "p.sarc", tmp_path)
        assert done.code == 0 and len(list(tmp_path.glob("S1A*.SAFE/manifest.safe"))) == 1

    @pytest.mark.parametrize("target, code", [("a.SAFE", 2), ("a.zip", 2)])
    def test_refusals_have_their_codes(self, tmp_path, target, code):
        store(tmp_path / "a.tif", amplitude(1, 40, 40))
        sarcodec.compress(tmp_path / "a.tif", tmp_path / "a.sarc")
        done = invoke("decompress", tmp_path / "a.sarc", tmp_path / target)
        assert done.code == code and done.stderr.startswith("sarcodec: ") and done.stderr.count("\n") == 1

    def test_a_product_that_is_not_whole(self, product):
        vv(product).unlink()
        done = invoke("compress", product, product.parent / "p.sarc")
        assert done.code == 3 and "--as-is" in done.stderr and done.stderr.count("\n") == 1
        done = invoke("compress", product, product.parent / "p.sarc", "--as-is")
        assert done.code == 0 and "note: Files that the manifest lists were missing" in done.stderr
