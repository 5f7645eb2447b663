"""A product that cannot be given back leaves nothing behind, and what is there is replaced only when asked."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sarcodec
from api.scenes import amplitude, store
from cli.shell import environment
from products.spoiled import vv
from products.test_round_trip import tree
from sarcodec.errors import (
    CorruptFile,
    InvalidArgument,
    OutputExists,
    SarcodecError,
)


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
