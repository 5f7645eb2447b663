"""The layout: rooms are entered by their doors, third parties live in their rooms, a reader knows no encoder and no raster library, and the codec
never imports torch.

That imports go downwards only is a contract of import-linter (pyproject.toml), which `make lint` checks.
"""

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from api.scenes import amplitude, store

SOURCE = Path(__file__).resolve().parents[1] / "src"
PACKAGE = SOURCE / "sarcodec"
FILES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}
THIRD_PARTIES = {  # where each may be imported; None: everywhere
    "numpy": None,
    "rasterio": {"raster", "api", "doors"},
    "affine": {"api"},
    "threadpoolctl": {"decoding"},
    "matplotlib": {"quality"},
    "imagecodecs": {"format"},
    "obstore": {"storage", "format", "doors"},
    "xarray": {"doors"},
    "dask": {"doors"},
    "zarr": {"doors"},
    "numcodecs": {"doors"},
    "virtualizarr": {"doors"},
    "rio_tiler": {"doors"},
    "mfusepy": {"doors"},
    "click": {"rio"},
    "pyarrow": {"doors"},
    "distributed": {"archiving"},
}


def imported(path: Path) -> set[str]:
    """First names of what a file imports, also within functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("module", FILES)
def test_third_parties_stay_in_their_rooms(module):
    for name in imported(FILES[module]) - {"sarcodec"} - sys.stdlib_module_names:
        assert name in THIRD_PARTIES, f"{module} imports {name}, which is no dependency"
        rooms = THIRD_PARTIES[name]
        assert rooms is None or module.split(".")[0] in rooms, (
            f"{module} imports {name}, which has its place in {rooms}"
        )


def doors() -> dict[str, list[str]]:
    """By room, what its `__init__` lists in `__all__`: modules that others may import, and names that they may take from the room itself."""
    found = {}
    for room in sorted({path.parent.name for path in FILES.values()} - {PACKAGE.name}):
        for node in ast.parse((PACKAGE / room / "__init__.py").read_text()).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                found[room] = ast.literal_eval(node.value)
    return found


@cache
def entered(path: Path) -> frozenset[tuple[str, str]]:
    """(room, name) of all that a file imports from within rooms, or takes of a room that it imports as a whole."""
    found, whole, nodes = set(), set(), list(ast.walk(ast.parse(path.read_text())))
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")[1:3]) for alias in node.names if alias.name.count(".") > 1}
        elif isinstance(node, ast.ImportFrom) and node.module == "sarcodec":
            whole |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sarcodec."):
            words = node.module.split(".")[1:3]
            names = [words[1]] if len(words) > 1 else [alias.name for alias in node.names]
            found |= {(words[0], name) for name in names}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in whole:
            found.add((node.value.id, node.attr))
    return frozenset((room, name) for room, name in found if (PACKAGE / room).is_dir())


def strangers(room: str) -> list[Path]:
    """Files of other rooms, and of the laboratory."""
    own = [path for path in FILES.values() if path.parent.name != room]
    return own + sorted((SOURCE.parent / "lab" / "src").rglob("*.py"))


@pytest.mark.parametrize("room, listed", doors().items())
def test_a_room_is_entered_by_its_door(room, listed):
    """A module that others need is named in `__all__` of its room's `__init__`; what nobody else needs is not."""
    asked = {name: path for path in strangers(room) for where, name in entered(path) if where == room}
    hidden = {f"{path.name} imports {room}.{name}" for name, path in asked.items() if name not in listed}
    assert not hidden, f"add to __all__ of {room}/__init__.py what others are to import: {hidden}"
    measured = {
        name
        for folder in ("benchmarks", "tools")
        for path in (SOURCE.parent / folder).rglob("*.py")
        for where, name in entered(path)
        if where == room
    }
    assert set(listed) <= set(asked) | measured, (
        f"{room}/__init__.py lists what nobody else imports: {set(listed) - set(asked) - measured}"
    )


def test_every_room_has_a_door():
    rooms = {path.parent.name for path in FILES.values()} - {PACKAGE.name}
    assert rooms - set(doors()) == set()


def test_every_room_says_what_it_is():
    for room in {path.parent for path in FILES.values()} - {PACKAGE}:
        assert ast.get_docstring(ast.parse((room / "__init__.py").read_text())), f"{room.name} has no docstring"


READER = """
import sys
import sarcodec
with sarcodec.open("scene.sarc", threads=1) as scene:
    scene.read(1, window=((0, 3), (0, 3)))
    scene.read_masks(), scene[0, 5:, ::-3], scene.transform, scene.shape, scene.nodata, scene.tags(), repr(scene)
print(*sorted(m for m in sys.modules if m.startswith(("sarcodec.encoding", "sarcodec.raster", "rasterio", "matplotlib", "imagecodecs"))))
"""


def run(code: str, folder: Path) -> subprocess.CompletedProcess:
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_a_reader_imports_no_encoder_and_no_raster_library(tmp_path):
    import sarcodec

    sarcodec.compress(store(tmp_path / "in.tif", amplitude(1, 40, 40)), tmp_path / "scene.sarc", threads=1)
    done = run(READER, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


ARRAYS = """
import sys
import numpy as np
import sarcodec
pixels = np.random.default_rng(1).gamma(4, 50, (40, 50)).astype("float32")
found = sarcodec.decode(sarcodec.encode(pixels, domain="power", transform=(10, 0, 0, 0, -10, 0), nodata=0, threads=1), threads=1)
assert found.shape == pixels.shape
print(*sorted(m for m in sys.modules if m.startswith(("rasterio", "matplotlib", "imagecodecs"))))
"""


def test_arrays_need_no_raster_library(tmp_path):
    done = run(ARRAYS, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


WALK = """
import sys
import sarcodec
sarcodec.compress("in.tif", "scene.sarc", threads=1)
sarcodec.verify("scene.sarc", against="in.tif", threads=1)
sarcodec.decompress("scene.sarc", "out.tif", threads=1)
with sarcodec.open("scene.sarc") as scene:
    scene.read(1, window=((0, 3), (0, 3)))
found = sorted(m for m in sys.modules if m.split(".")[0] in {forbidden} or m.startswith("sarcodec_lab"))
sys.exit(", ".join(found) or None)
"""


def test_the_codec_never_imports_torch(tmp_path):
    store(tmp_path / "in.tif", amplitude(1, 40, 40))
    code = WALK.replace(
        "{forbidden}", repr({"torch", "scipy", "safetensors", "tensorboard", "matplotlib", "imagecodecs", "pytest"})
    )
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr


DOORS = {
    "sarcodec.xarray": ("xarray", "xarray"),
    "sarcodec.rio": ("click", "rio"),
}  # module: (what it needs, its extra)


@pytest.mark.parametrize("module", DOORS)
def test_a_door_names_the_extra_that_it_needs(tmp_path, module):
    package, extra = DOORS[module]
    done = run(f"import sys; sys.modules[{package!r}] = None\nimport {module}", tmp_path)
    assert done.returncode == 1
    wanted = f"pip install 'sarcodec[{extra}]', or '.[{extra}]' in a copy of the repository"
    assert done.stderr.strip().splitlines()[-1].endswith(wanted)


def test_importing_sarcodec_opens_no_door(tmp_path):
    code = "import sys, sarcodec; sarcodec.open, sarcodec.info; print(*(m for m in sys.modules if 'doors' in m or m in {'xarray', 'click'}))"
    done = run(code, tmp_path)
    assert done.returncode == 0 and done.stdout.strip() == "", done
