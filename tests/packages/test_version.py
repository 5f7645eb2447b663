"""One source of the version; what names it besides says the same. And what the recipes ask for is what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from sarcodec.version import VERSION, installed_version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NAMED = {
    "CITATION.cff": r"^version: (.+)$",
    "plugins/qgis/sarcodec/metadata.txt": r"^version=(.+)$",
    "CHANGELOG.md": r"^## ([\d.]+)",
    "src/sarcodec/version.py": r'^VERSION = "(.+)"$',
}


@pytest.mark.parametrize("name", NAMED)
def test_what_names_the_version_names_this_one(name):
    found = re.search(NAMED[name], (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    assert found[1] == VERSION == installed_version()


def test_pyproject_reads_it():
    assert "version" not in PROJECT["project"] and PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "sarcodec.version.VERSION"}


def recipe():
    """What conda-build makes of the recipe: its template filled, then YAML."""
    jinja2, yaml = (
        pytest.importorskip(name, reason=f"{name} (extra docs) is not installed") for name in ("jinja2", "yaml")
    )
    folder = ROOT / "packages" / "conda"

    def load_file_regex(load_file, regex_pattern, from_recipe_dir):
        assert from_recipe_dir
        return re.search(regex_pattern, (folder / load_file).read_text())

    words = {"load_file_regex": load_file_regex, "compiler": lambda name: f"compiler_{name}", "PYTHON": "python"}
    return yaml.safe_load(jinja2.Template((folder / "meta.yaml").read_text()).render(words))


def test_the_conda_recipe_asks_for_what_pyproject_asks_for():
    found = recipe()
    run = {line.replace(" ", "") for line in found["requirements"]["run"]}
    assert run == {*PROJECT["project"]["dependencies"], f"python{PROJECT['project']['requires-python']}"}
    assert found["package"] == {"name": "sarcodec", "version": VERSION}
    host = {line.replace(" ", "") for line in found["requirements"]["host"]}
    assert set(PROJECT["build-system"]["requires"]) <= host and found["requirements"]["build"] == ["compiler_c"]
    (entry,) = found["build"]["entry_points"]
    assert entry == f"sarcodec = {PROJECT['project']['scripts']['sarcodec']}"
    assert all((ROOT / name).exists() for name in found["about"]["license_file"])


def steps():
    """Instructions of the Dockerfile: (name, rest), lines joined."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [SimpleNamespace(name=line.split()[0], rest=line.split(None, 1)[1]) for line in lines]


def test_the_dockerfile_is_one():
    names = [step.name for step in steps()]
    assert names[0] == "FROM" and set(names) <= {"FROM", "RUN", "COPY", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    assert names.index("USER") > max(i for i, name in enumerate(names) if name == "RUN"), (
        "nothing is installed without rights"
    )
    extras = set(re.search(r"\[([\w,]+)\]\"", next(s.rest for s in steps() if "pip install" in s.rest))[1].split(","))
    assert extras <= set(PROJECT["project"]["optional-dependencies"])
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert (
        ignored == ["*", "!dist/*.whl"] and next(s.rest for s in steps() if s.name == "COPY").split()[0] == "dist/*.whl"
    )
