"""Kernels are kept where there is a place, and compiled anew where there is none or what lies there is of no use."""

import importlib.util
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude, store
from sarcodec.entropy import compiled

SOURCE = Path(__file__).resolve().parents[2] / "src"
PROGRAM = """
import numpy as np
from sarcodec.entropy.compiled import kernel

TOP = 100

@kernel()
def inner(values, out):
    for i in range(values.size):
        out[i] = min(values[i] * 3, TOP)

@kernel()
def outer(values, out):
    inner(values, out)
    return out.sum()
"""
CALL = "import numpy, program; print(program.outer(numpy.arange(10), numpy.zeros(10, int)))"


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Two folders for compiled code, the better one first."""
    folders = (tmp_path / "named", tmp_path / "users")
    monkeypatch.setattr(compiled, "_folders", lambda: folders)
    compiled._say_that_nothing_is_kept.cache_clear()
    yield folders
    compiled._say_that_nothing_is_kept.cache_clear()


def first_call(folder: Path, source: str = PROGRAM) -> tuple[int, bool]:
    """The result of the kernel in a module as fresh as in a new process, and whether it was there already."""
    path = folder / "program.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location("program", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result = module.outer(np.arange(10), np.zeros(10, int))
    assert len(module.outer.stats.cache_hits) + len(module.outer.stats.cache_misses) == 1
    return int(result), len(module.outer.stats.cache_hits) == 1


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_compiled_code_is_kept_in_the_first_place(tmp_path, places):
    assert [first_call(tmp_path) for _ in range(2)] == [(135, False), (135, True)]
    assert [path.suffix for path in files(places[0])] == [".nbc"] * 2 and not files(places[1])


def test_a_place_that_is_none_is_passed_over(tmp_path, places, caplog):
    places[0].touch()  # a file: no folder can be made of it, not even by root
    assert [first_call(tmp_path) for _ in range(2)] == [(135, False), (135, True)]
    assert len(files(places[1])) == 2 and not caplog.records


def test_where_there_is_no_place_it_is_said_once(tmp_path, places, caplog):
    for place in places:
        place.touch()
    assert [first_call(tmp_path) for _ in range(2)] == [(135, False), (135, False)]
    (record,) = caplog.records
    assert record.name == "sarcodec.entropy.compiled" and "NUMBA_CACHE_DIR" in record.getMessage()
    assert all(str(place) in record.getMessage() for place in places)


def test_a_folder_that_can_only_be_read_is_read(tmp_path, places, monkeypatch, caplog):
    """As an image of a container has it, where the kernels were compiled while it was built."""
    first_call(tmp_path)
    monkeypatch.setattr(compiled, "_written", lambda *_: False)
    assert first_call(tmp_path) == (135, True) and not caplog.records


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "foreign"])
def test_damaged_files_are_made_again(tmp_path, places, damage):
    first_call(tmp_path)
    for path in files(places[0]):
        data = path.read_bytes()
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        path.write_bytes({"empty": b"", "cut": data[:middle], "flipped": flipped, "foreign": b"x" * 999}[damage])
    assert [first_call(tmp_path) for _ in range(2)] == [(135, False), (135, True)]


def test_code_that_numba_cannot_take_is_compiled_again(tmp_path, places, monkeypatch):
    """Whole, of this source, and yet not what this numba wants."""
    monkeypatch.setattr(compiled, "dumps", lambda _: pickle.dumps((1, 2, 3)))
    first_call(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(compiled, "_folders", lambda: places)
    assert [first_call(tmp_path) for _ in range(2)] == [(135, False), (135, True)]


def test_a_folder_in_the_place_of_a_file_costs_time_only(tmp_path, places):
    first_call(tmp_path)
    for path in files(places[0]):
        path.unlink()
        path.mkdir()
    assert [first_call(tmp_path) for _ in range(2)] == [(135, False), (135, True)]
    assert len(files(places[1])) == 2 and len(files(places[0])) == 2  # no part is left


def test_other_source_and_other_constants_are_compiled_anew(tmp_path, places):
    assert first_call(tmp_path) == (135, False)
    # A constant of another module, whose source is not looked at.
    (tmp_path / "limits.py").write_text("TOP = 100\n")
    importing = PROGRAM.replace(
        "TOP = 100", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from limits import TOP; sys.path.pop(0)"
    )
    assert [first_call(tmp_path, importing) for _ in range(2)] == [(135, False), (135, True)]
    sys.modules["limits"].TOP = 2
    try:
        assert [first_call(tmp_path, importing) for _ in range(2)] == [(18, False), (18, True)]
    finally:
        del sys.modules["limits"]
    assert first_call(tmp_path, PROGRAM.replace("* 3", "* 2")) == (90, False)
    assert len(files(places[0])) == 2  # the newest, in the place of the others


def test_what_is_named_comes_first_and_homes_may_be_missing(monkeypatch):
    own = Path(compiled.__file__).parent / "__pycache__"

    def folders(named: str, **environment: str) -> tuple:
        monkeypatch.setattr(compiled.numba.config, "CACHE_DIR", named)
        for name in ("HOME", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return compiled._folders.__wrapped__()

    assert folders("", HOME="/h") == (own, Path("/h/.cache/sarcodec"))
    assert folders("/n", HOME="/h", XDG_CACHE_HOME="/x") == (Path("/n/sarcodec"), own, Path("/x/sarcodec"))
    monkeypatch.setattr(compiled.os.path, "expanduser", lambda path: path)  # a user without a name and without $HOME
    assert folders("/n") == (Path("/n/sarcodec"), own)


def test_processes_that_compile_at_once(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    paths = os.pathsep.join([str(tmp_path), str(SOURCE)])
    environment = {**os.environ, "PYTHONPATH": paths, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    start = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = [subprocess.Popen([sys.executable, "-c", CALL], **start) for _ in range(2)]
    assert [process.communicate(timeout=240) for process in running] == [("135\n", "")] * 2
    assert len(files(tmp_path / "cache" / "sarcodec")) == 2


def test_without_compiling(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(SOURCE)]), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", CALL], env=environment, capture_output=True, text=True, timeout=240)
    assert done.stdout == "135\n", done.stderr


# The command line where nothing can be written


@pytest.fixture(scope="module")
def walked():
    """A scene, files of it, and an installation that nobody may write to; not in pytest's folder, which is closed to other users."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        store(root / "in.tif", amplitude(1, 60, 70))
        sarcodec.compress(root / "in.tif", root / "a.sarc", effort=0, threads=1)
        sarcodec.compress(root / "in.tif", root / "l.sarc", lossless=True, threads=1)
        shutil.copytree(SOURCE, root / "src", ignore=shutil.ignore_patterns("__pycache__"))
        (root / "src" / "sarcodec" / "__pycache__").touch()
        yield root


VERBS = {
    "info": ("info", "a.sarc"),
    "models": ("models", "list"),
    "compress": ("compress", "in.tif", "{out}/b.sarc", "--threads", "1"),
    "lossless": ("compress", "in.tif", "{out}/l.sarc", "--lossless", "--threads", "1"),
    "decompress": ("decompress", "a.sarc", "{out}/b.tif", "--threads", "1"),
    "exact": ("decompress", "l.sarc", "{out}/l.tif", "--threads", "1"),
    "verify": ("verify", "a.sarc", "--against", "in.tif", "--threads", "1"),
    "simulate": ("simulate", "{out}/s.tif", "--size", "64"),
    "evaluate": ("evaluate", "in.tif", "in.tif"),
}
COMPILES = {"compress", "decompress", "verify"}
NOBODY = "65534"


@cache
def can_be_nobody() -> bool:
    if os.geteuid() or not shutil.which("setpriv"):
        return False
    command = ["setpriv", "--reuid", NOBODY, "--clear-groups", sys.executable, "-c", "import numpy"]
    return subprocess.run(command, capture_output=True, timeout=60).returncode == 0


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_runs_where_nothing_can_be_written(walked, verb):
    out = Path(tempfile.mkdtemp(dir=walked))
    out.chmod(0o777)
    environment = {
        name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")
    }
    # Not even root can make a folder below /dev/null.
    environment |= {"HOME": "/dev/null", "TMPDIR": "/dev/null", "PYTHONPATH": str(walked / "src")}
    words = [word.replace("{out}", str(out)) for word in VERBS[verb]]
    become = ["setpriv", "--reuid", NOBODY, "--clear-groups"] if can_be_nobody() else []
    command = [*become, sys.executable, "-m", "sarcodec", *words]
    done = subprocess.run(command, env=environment, cwd=walked, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert all(line.startswith("sarcodec: note: ") for line in lines), done.stderr
    assert sum("NUMBA_CACHE_DIR" in line for line in lines) == (verb in COMPILES)
