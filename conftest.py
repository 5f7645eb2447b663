"""Tests in lab/tests/networks and lab/tests/train carry the mark `train`. Where torch is absent they are not collected, and the
header of the run says so. `-m "not train"`, also with more behind it, hides a torch that is there: the run is the same on every machine."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every run: a change is judged by what it changes. More of them: HYPOTHESIS_PROFILE=default.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

NEEDS_TORCH = tuple(Path(__file__).parent / "lab" / "tests" / name for name in ("networks", "train"))
WITHOUT = pytest.StashKey[bool]()


class NoTorch:
    """A finder before all others to which torch is not installed."""

    @staticmethod
    def find_spec(name: str, path=None, target=None) -> None:
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(
                f"No module named {name!r} (hidden from tests that are not marked train)", name=name
            )


def pytest_configure(config: pytest.Config) -> None:
    hidden = config.option.markexpr.startswith("not train")
    config.stash[WITHOUT] = hidden or importlib.util.find_spec("torch") is None
    if hidden:
        sys.meta_path.insert(0, NoTorch)


def _needs_torch(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in NEEDS_TORCH)


def pytest_report_header(config: pytest.Config) -> str | None:
    return (
        "lab/tests/networks and lab/tests/train left out: no torch here (make test-train)"
        if config.stash[WITHOUT]
        else None
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if config.stash[WITHOUT] and _needs_torch(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _needs_torch(item.path):
            item.add_marker(pytest.mark.train)
