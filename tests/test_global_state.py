"""What belongs to the whole process is the same before and after sarcodec is imported and used."""

import os
import subprocess
import sys
from pathlib import Path

from api.scenes import amplitude, store

SOURCE = Path(__file__).resolve().parents[1] / "src"
PROGRAM = """
import locale, logging, os, signal, sys, threading, warnings
import numpy as np
import rasterio

def state():
    return {
        "filters": list(warnings.filters),
        "showwarning": warnings.showwarning,
        "errors of numpy": np.geterr(),
        "printing of numpy": np.get_printoptions(),
        "random numbers": np.random.get_state()[1].tolist(),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "root logger": (list(logging.root.handlers), logging.root.level),
        "loggers": [list(logging.getLogger(name).handlers) for name in ("sarcodec", "sarcodec.entropy.compiled")],
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "locale": locale.setlocale(locale.LC_ALL),
        "recursion": sys.getrecursionlimit(),
        "switching": sys.getswitchinterval(),
        "hooks": (sys.excepthook, threading.excepthook, sys.stdout, sys.stderr),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "GDAL": [rasterio._env.get_gdal_config(name) for name in ("GDAL_PAM_ENABLED", "GTIFF_POINT_GEO_IGNORE", "GDAL_NUM_THREADS")],
        "Env": rasterio.env.hasenv(),
    }

def compare(before, what):
    changed = [name for name, value in state().items() if value != before[name]]
    assert not changed, f"{what} changes {changed}: " + "; ".join(f"{before[n]} -> {state()[n]}" for n in changed)

np.seterr(under="warn")
warnings.simplefilter("default")
before = state()
import sarcodec
compare(before, "import sarcodec")
verbs = sarcodec.open, sarcodec.compress, sarcodec.decompress, sarcodec.verify, sarcodec.info
compare(before, "loading the verbs")
sarcodec.compress("in.tif", "a.sarc", threads=1, effort=1)
sarcodec.decompress("a.sarc", "a.tif", threads=1)
sarcodec.verify("a.sarc", against="in.tif", threads=1)
sarcodec.compress("in.tif", "b.sarc", lossless=True, threads=1)
with sarcodec.open("a.sarc", threads=1) as scene:
    scene.read()
    repr(scene), scene._repr_html_()
for wrong in (lambda: sarcodec.compress("none.tif", "c.sarc"), lambda: sarcodec.decompress("in.tif", "c.tif"), lambda: scene.read()):
    try:
        wrong()
    except sarcodec.errors.SarcodecError:
        pass
compare(before, "the walk")
print("as it was")
"""


def run(folder: Path, program: str, **environment: str) -> subprocess.CompletedProcess:
    paths = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    env = {**os.environ, "PYTHONPATH": paths, **environment}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=env, capture_output=True, text=True, timeout=240
    )


def test_the_process_stays_as_it_was(tmp_path):
    store(tmp_path / "in.tif", amplitude(1, 60, 70))
    done = run(tmp_path, PROGRAM)
    assert done.returncode == 0 and done.stdout == "as it was\n" and not done.stderr, done.stderr


def test_no_warning_of_any_kind(tmp_path):
    store(tmp_path / "in.tif", amplitude(1, 60, 70))
    program = """
import warnings
warnings.simplefilter("always")
shown = []
warnings.showwarning = lambda message, category, *_, **__: shown.append(f"{category.__name__}: {message}")
import sarcodec
sarcodec.compress("in.tif", "a.sarc", threads=1, effort=1)
sarcodec.decompress("a.sarc", "a.tif", threads=1)
sarcodec.verify("a.sarc", against="in.tif", threads=1)
sarcodec.compress("in.tif", "b.sarc", lossless=True, threads=1)
sarcodec.open("a.sarc", threads=1).read()  # never closed
print("\\n".join(shown))
"""
    done = run(tmp_path, program)
    assert done.returncode == 0 and not done.stdout.strip() and not done.stderr, done.stdout + done.stderr


def test_nothing_is_left_in_the_home(tmp_path):
    """By what is imported: a runtime of networks was found to leave a client's number there."""
    (tmp_path / "home").mkdir()
    store(tmp_path / "in.tif", amplitude(1, 60, 70))
    program = "import sarcodec; sarcodec.compress('in.tif', 'a.sarc', threads=1, effort=1); print('done')"
    done = run(tmp_path, program, HOME=str(tmp_path / "home"))
    assert done.returncode == 0 and done.stdout == "done\n", done.stderr
    assert [path.name for path in (tmp_path / "home").iterdir()] in ([], [".cache"])
