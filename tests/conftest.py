"""Tests in tests/networks and tests/train carry the mark `train`. Where torch is absent they are not collected, and the
header of the run says so."""

import importlib.util
from pathlib import Path

import pytest

NEEDS_TORCH = tuple(Path(__file__).parent / name for name in ("networks", "train"))
NO_TORCH = importlib.util.find_spec("torch") is None


def _needs_torch(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in NEEDS_TORCH)


def pytest_report_header() -> str | None:
    return "tests/networks and tests/train skipped: torch is not installed (make test-train)" if NO_TORCH else None


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if NO_TORCH and _needs_torch(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _needs_torch(item.path):
            item.add_marker(pytest.mark.train)
