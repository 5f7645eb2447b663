"""Wheel and sdist, built from this checkout: contents, size, and what is installed from the wheel works where there is nothing else. Takes a minute."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from packages.test_version import steps

pytestmark = [pytest.mark.tools, pytest.mark.skipif(os.name != "posix", reason="the steps are for a shell of POSIX")]
ROOT = Path(__file__).resolve().parents[2]


def run(*words, **options):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=500, **options)
    assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-3000:])
    return done.stdout


def around():
    """The environment without a way to this checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """A folder with both, of the files that git knows."""
    pytest.importorskip("build", reason="build (extra tools) is not installed")
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in run("git", "ls-files", "-z", cwd=ROOT).split("\0"):
        if name and not name.startswith(("tests/", "docs/", "lab/")) and (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    run(sys.executable, "-m", "build", "--outdir", folder, source)
    return folder


def test_contents_and_size(dist):
    said = run(sys.executable, ROOT / "tools/wheels/check.py", *sorted(dist.iterdir()))
    assert said.count("as it should be") == 2


@pytest.fixture(scope="module")
def installed(dist, tmp_path_factory):
    """The folder of programs of an environment that has the wheel, and of all else what this one has."""
    place = tmp_path_factory.mktemp("env")
    venv.create(place, with_pip=True)
    (wheel,) = dist.glob("*.whl")
    run(place / "bin" / "python", "-m", "pip", "install", "--no-deps", "--no-index", wheel, env=around())
    inside = Path(
        run(
            place / "bin" / "python", "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])", env=around()
        ).strip()
    )
    shutil.copytree(sysconfig.get_paths()["purelib"], inside, dirs_exist_ok=True, symlinks=True, ignore=_not_ours)
    return place / "bin"


def _not_ours(folder, names):
    """Neither this checkout's package nor its pointer to it."""
    return [name for name in names if re.match(r"(__editable__.*|_*)sarcodec", name) or name.startswith("sarcodec")] if Path(folder).name == "site-packages" else []  # fmt: skip


def test_what_is_installed_works_in_an_empty_folder(installed, tmp_path):
    program = installed / "sarcodec"
    for words in (
        "simulate scene.tif --size 300", "compress scene.tif scene.sarc", "verify scene.sarc --against scene.tif", "decompress scene.sarc back.tif",
        "evaluate scene.tif back.tif --report page.html", "stac scene.sarc --datetime 2024-05-31T05:43:21Z",
    ):  # fmt: skip
        run(program, *words.split(), cwd=tmp_path, env=around())
    with subprocess.Popen(
        [program, "view", "scene.sarc", "scene.tif", "--port", "0"], cwd=tmp_path, env=around(), stdout=subprocess.PIPE, text=True
    ) as viewer:  # fmt: skip
        try:
            url = re.search(r"http://\S+/", viewer.stdout.readline())[0]
            fetched = f"import urllib.request as u; print(len(u.urlopen('{url}ol.js').read()), u.urlopen('{url}').read()[:15])"
            assert run(installed / "python", "-c", fetched, env=around()).startswith("1070771 b'<!DOCTYPE html>")
        finally:
            viewer.kill()


def test_the_steps_of_the_dockerfile(dist, tmp_path):
    """What copies and installs, with this folder for its root: no engine is needed to see that names and extras fit."""
    (tmp_path / "tmp" / "wheels").mkdir(parents=True)
    for wheel in dist.glob("*.whl"):
        shutil.copy(wheel, tmp_path / "tmp" / "wheels")
    (step,) = (step.rest for step in steps() if "pip install" in step.rest)
    asked = step.replace("/tmp/wheels", str(tmp_path / "tmp" / "wheels")).replace("pip install", "echo pip install")
    said = run("bash", "-ec", asked)
    assert re.search(
        r"pip install --no-cache-dir \S+/sarcodec-[\d.]+-py3-none-\S*linux\S*\.whl\[bounded,remote\]", said
    )
    assert not (tmp_path / "tmp" / "wheels").exists()
