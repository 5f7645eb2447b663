"""The library is the one that its sources say, and the tools that build and check it say what is wrong."""

import ctypes
import importlib.util
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sarcodec.native import available, library
from sarcodec.native.interface import INTERFACE

ROOT = Path(__file__).resolve().parents[2]


def module(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


build_library, check = module(ROOT / "native/build_library.py"), module(ROOT / "tools/wheels/check.py")


@pytest.mark.skipif(not available(), reason="SARCODEC_NATIVE=off, or no library")
def test_the_library_was_built_of_these_sources():
    found = library._library()
    found.sarc_interface.restype = ctypes.c_int32
    assert found.sarc_interface() == build_library.interface(), "native/ has changed: make library"


def test_the_package_was_written_for_these_sources():
    assert build_library.interface() == INTERFACE, "native/ has changed: make library"


@pytest.mark.skipif(not available(), reason="SARCODEC_NATIVE=off, or no library")
def test_a_library_of_other_sources_is_not_called(monkeypatch, caplog):
    monkeypatch.setattr(library, "INTERFACE", INTERFACE + 1)
    assert library._library.__wrapped__() is None
    assert "built of other sources" in caplog.text and "make library" in caplog.text
    monkeypatch.setattr(library, "_NAME", "interface.py")
    assert library._library.__wrapped__() is None


def test_without_a_compiler_it_says_what_to_do(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(build_library.NoCompiler, match="install gcc or clang"):
        build_library.compiler()
    with pytest.raises(build_library.NoCompiler, match="aarch64-linux-gnu"):
        build_library.compiler("aarch64-linux-gnu")
    monkeypatch.setenv("CC", "ccache gcc-14")
    assert build_library.compiler() == ["ccache", "gcc-14"]


def test_a_compiler_that_fails_leaves_the_old_library(monkeypatch, tmp_path):
    (tmp_path / "libsarcodec.so").write_text("old")
    monkeypatch.setenv("CC", "false")
    with pytest.raises(SystemExit, match="SARCODEC_NATIVE=off"):
        build_library.build(tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def wheel(folder: Path, name: str, leave_out: str = "", add: str = "") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for file in check.tracked("src"):
            if file != leave_out:
                archive.writestr(file.removeprefix("src/"), "")
        archive.writestr("sarcodec/native/libsarcodec.so", "")
        if add:
            archive.writestr(add, "")
    return path


def test_the_check_of_wheels_finds_what_is_missing_and_what_is_too_much(tmp_path):
    right = wheel(tmp_path, "sarcodec-0.1.0-py3-none-linux_x86_64.whl")
    assert list(check.wheel_faults(right)) == []
    wrong = wheel(
        tmp_path, "sarcodec-0.1.0-py3-none-any.whl", "src/sarcodec/py.typed", "sarcodec/native/libsarcodec.dll"
    )
    assert [re.sub(r".*(tags|libraries|lacks).*", r"\1", fault) for fault in check.wheel_faults(wrong)] == [
        "tags",
        "libraries",
        "lacks",
    ]


def test_importing_loads_next_to_nothing_and_info_no_numpy():
    file = ROOT / "tests/golden/v1-two-bands-two-tiles.sarc"
    code = f"""
import sys
before = set(sys.modules)
import sarcodec
print(*sorted(name for name in set(sys.modules) - before if name.startswith("sarcodec")))
sarcodec.info({str(file)!r})
print(*sorted({{"numpy", "rasterio", "importlib.metadata"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "src")
    assert (done.stderr, done.stdout) == ("", "sarcodec sarcodec.errors\n\n")
