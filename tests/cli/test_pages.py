"""What pages tell to type can be typed: the blocks of README one after the other, those of a how-to page beside a scene and its file."""

import os
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import sarcodec
from cli.shell import ROOT, command, environment
from sarcodec.simulate.product import simulate

pytest.importorskip("imagecodecs", reason="imagecodecs (extra bounded) is not installed")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="blocks are for a shell of POSIX")
BESIDE = {"scene.tif": "scene.tif", "archive/scene.tif": "scene.tif", "scenes/scene.tif": "scene.tif"}
PACKED = {"scene.sarc": "scene.sarc"}
HOW_TO = {  # and what else lies beside the scene: a name, and what it is a copy of
    "archive-folder": {},
    "attachments": {"iw-vv.xml": "scene.tif", "preview.png": "scene.tif"},
    "bound": {},
    "check": {**PACKED, "back.tif": "scene.tif"},
    "lossless": {},
    "overviews": PACKED,
    "python": PACKED,
    "quality": {},
}
WITH_WINDOWS = ("overviews", "python")
ELSEWHERE = (
    "pip ",
    "python3 -m venv",
    ". env/",
    "rio ",
    "gdal",
    "sarcodec compress S1A",
    "sarcodec decompress product.",
    "sarcodec archive s3:",
    "sarcodec archive --verify s3:",
    "sarcodec archive --restore s3:",
    "sarcodec archive scenes small --scheduler",
)
"""Lines that install, or need other programs, a product or a server."""
GIVEN = "import numpy as np, sarcodec\ncrs, transform = 32633, (10, 0, 0, 0, -10, 0)\narray = np.full((2, 64, 64), 187, 'uint16')\n"


def blocks(text: str) -> list[tuple[str, str]]:
    """What is pasted, in order: (language, lines)."""
    found = re.findall(r"^```(\w+)\n((?:(?!```).*\n)*)```|((?:^ {4}.*\n|^\n(?= {4}))+)", text, re.MULTILINE)
    return [(kind or "sh", fenced or re.sub(r"^ {4}", "", shell, flags=re.MULTILINE)) for kind, fenced, shell in found]


def paste(block: tuple[str, str], where: Path, bin_folder: Path, before: str = "") -> None:
    """Run a block in a folder; `before`: what a page of Python has said already."""
    kind, text = block
    shell = "\n".join(line for line in text.splitlines() if not line.startswith(ELSEWHERE))
    words = ["python", "-c", before + text] if kind == "python" else ["bash", "-ec", shell]
    place = {**environment(), "PATH": f"{bin_folder}:{environment()['PATH']}"}
    done = subprocess.run(words, cwd=where, env=place, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, (block, done.stderr)


@pytest.fixture(scope="module")
def programs(tmp_path_factory) -> Path:
    """A folder of the commands sarcodec and python, as this checkout has them."""
    folder = tmp_path_factory.mktemp("bin")
    for name, words in (("sarcodec", command()), ("python", command()[:1])):
        (folder / name).write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Callable[[int, int], Path]:
    """A folder with a scene of two bands, and its compressed file, of rows x cols pixels."""

    @cache
    def make(rows: int, cols: int) -> Path:
        folder = tmp_path_factory.mktemp("made")
        simulate(folder / "scene.tif", rows, cols, seed=5)
        sarcodec.compress(folder / "scene.tif", folder / "scene.sarc", effort=0)
        return folder

    return make


def test_blocks_of_the_readme_run_one_after_the_other(tmp_path, programs):
    """In an empty folder, but for installing."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = blocks(text[text.index("## Quick start") : text.index("## Limits")])
    assert len(found) >= 4
    for block in found:
        paste(block, tmp_path, programs)


@pytest.mark.parametrize("page", HOW_TO)
def test_blocks_of_a_how_to_page_run(page, made, tmp_path, programs):
    folder = made(*((768, 1024) if page in WITH_WINDOWS else (256, 256)))
    (tmp_path / "archive").mkdir()
    for name, source in {**BESIDE, **HOW_TO[page]}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((folder / source).read_bytes())
    found, said = blocks((ROOT / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")), GIVEN
    assert any("sarcodec" in text for _, text in found)
    for block in found:
        paste(block, tmp_path, programs, said)
        said += "from pathlib import Path\n" * block[1].startswith("from pathlib")
