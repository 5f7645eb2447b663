"""The layout: imports go downwards only, third parties live in their rooms, and the codec never imports torch."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from codec.scenes import amplitude, store

SOURCE = Path(__file__).resolve().parents[1] / "src"
PACKAGE = SOURCE / "sarcodec"

ROOMS = {  # what each room of src/sarcodec may import of the others
    "errors": set(),
    "measure": {"errors"},
    "storage": {"errors"},
    "compiled": set(),
    "raster": {"errors", "storage", "measure"},
    "bitstream": {"errors", "storage", "measure", "compiled"},
    "hyper_analysis": {"errors"},
    "simulate": {"errors", "storage", "raster"},
    "fidelity": {"errors"},  # below the codec, which aims at a class, and the workshop, which judges with the same figures
    "evaluate": {"errors", "storage", "fidelity"},
    "lapped": set(),
    "published": {"errors", "bitstream", "hyper_analysis", "lapped"},
    "quantiser": {"errors", "bitstream", "compiled"},
    "tile": {"errors", "bitstream", "lapped", "published"},
    "tile_encoder": {"errors", "bitstream", "lapped", "published", "quantiser", "tile"},
    "texture": {"errors", "bitstream", "compiled"},
    "codec": {"errors", "measure", "storage", "raster", "bitstream", "lapped", "published", "tile", "tile_encoder", "texture", "fidelity"},
    "sarcodec": {"codec", "raster"},  # the package's own __init__
    "commands": {"sarcodec", "errors", "storage", "raster", "codec", "published", "tile", "simulate", "fidelity", "evaluate", "train", "study"},
    "__main__": {"commands", "errors"},
    "networks": {"errors", "storage", "bitstream", "lapped"},
    # Compares its networks with the codec by the public verbs, as anybody would.
    "study": {"sarcodec", "errors", "storage", "raster", "bitstream", "published", "networks", "evaluate", "fidelity", "simulate"},
    "train": {
        "errors",
        "storage",
        "raster",
        "bitstream",
        "hyper_analysis",
        "published",
        "quantiser",
        "tile",
        "simulate",
        "fidelity",
        "evaluate",
        "networks",
        "study",
    },
}
WORKSHOP = {"networks", "train"}
THIRD_PARTIES = {  # where each may be imported; a room, or one module of it
    "numpy": set(ROOMS),
    "rasterio": {"raster"},
    "numba": {"compiled"},
    "threadpoolctl": {"codec.workers"},
    "torch": WORKSHOP,
    "safetensors": {"train", "networks.autoencoders.published"},
    "tensorboard": {"train"},
    "matplotlib": {"evaluate.picture"},
    "scipy": {"evaluate.curves"},
    "imagecodecs": {"evaluate.peers", "bitstream.lossless"},
}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts).replace("__init__", "sarcodec")


def imports(path: Path) -> set[str]:
    """Full names of all that a file imports, also within functions; of `from a import b` both a and a.b."""
    found, package = set(), ["sarcodec", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = (
                ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
                if node.level
                else node.module
            )
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
KNOWN = {f"sarcodec.{name}" for name in FILES} | {"sarcodec"}


def inner(path: Path) -> set[str]:
    """Modules of this package that a file imports, by their names within it."""
    found = {name for name in imports(path) if name in KNOWN}
    packages = {name for name in found if any(other.startswith(name + ".") for other in found)}
    return {name.removeprefix("sarcodec.") for name in found - packages}


def room(module: str) -> str:
    return module.split(".")[0]


def test_every_module_has_a_room():
    assert {room(module) for module in FILES} == set(ROOMS)


@pytest.mark.parametrize("module", FILES)
def test_imports_go_downwards_only(module):
    for name in inner(FILES[module]):
        assert room(name) == room(module) or room(name) in ROOMS[room(module)], f"{module} imports {name}"


def test_rooms_form_an_order():
    below = {name: set(allowed) for name, allowed in ROOMS.items()}
    while below:
        lowest = {name for name, allowed in below.items() if not allowed & set(below)}
        assert lowest, f"a circle among {set(below)}"
        below = {name: allowed for name, allowed in below.items() if name not in lowest}


@pytest.mark.parametrize("module", FILES)
def test_third_parties_stay_in_their_rooms(module):
    for name in {name.split(".")[0] for name in imports(FILES[module])} - {"sarcodec"} - sys.stdlib_module_names:
        places = THIRD_PARTIES.get(name, set())
        assert places & {room(module), module}, f"{module} imports {name}, which has its place in {places or 'no room'}"


@pytest.mark.parametrize("module", FILES)
def test_what_is_imported_is_there(module):
    for name in imports(FILES[module]):
        if name.startswith("sarcodec."):
            parent = name.rpartition(".")[0]
            assert name in KNOWN or parent in KNOWN, f"{module} imports {name}, which is nowhere"


def test_only_training_and_the_study_s_networks_look_into_the_workshop():
    users = {
        module
        for module, path in FILES.items()
        if {room(n) for n in inner(path)} & WORKSHOP and room(module) not in WORKSHOP
    }
    assert users <= {"commands.train"} | {module for module in FILES if room(module) == "study"}


def test_simulated_scenes_are_written_through_raster_in_one_place():
    users = {
        module
        for module, path in FILES.items()
        if room(module) == "simulate" and {room(n) for n in inner(path)} & {"raster"}
    }
    assert users == {"simulate.product"}


WALK = """
import sys
import sarcodec
sarcodec.compress("in.tif", "scene.sarc", threads=1)
sarcodec.verify("scene.sarc", against="in.tif", threads=1)
sarcodec.decompress("scene.sarc", "out.tif", threads=1)
with sarcodec.open("scene.sarc") as scene:
    scene.read(sarcodec.Window(0, 0, 3, 3))
found = sorted(m for m in sys.modules if m.split(".")[0] in {forbidden} or m.startswith(("sarcodec.networks", "sarcodec.train", "sarcodec.study")))
sys.exit(", ".join(found) or None)
"""


def test_the_codec_never_imports_torch(tmp_path):
    store(tmp_path / "in.tif", amplitude(1, 40, 40))
    # Not scipy: numba imports it where it is installed.
    code = WALK.replace(
        "{forbidden}", repr({"torch", "safetensors", "tensorboard", "matplotlib", "imagecodecs", "pytest"})
    )
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
