"""What the documents name is there: links lead somewhere, and charts are those of their tables."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FOLDERS = ("src", "lab", "tests", "benchmarks", "examples", "tools")
SOURCES = sorted(
    path for folder in FOLDERS for kind in ("*.py", "*.toml", "*.md") for path in (ROOT / folder).rglob(kind)
)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]+)")
HISTORY = ("log.md", "layout.md", "0005-runtime.md")  # what they name was there once
MODULE = re.compile(r"`((?:[\w-]+/)*\w+\.py)`")
NAMED = re.compile(r"\bdocs/[\w/.-]+?\.(?:md|svg|webp)\b")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page):
    lost = [link for link in LINK.findall(_prose(page)) if not (page.parent / link).exists()]
    assert not lost, f"{page.relative_to(ROOT)} links to {lost}, which are not there"


def test_pages_that_sources_name_are_there():
    named = {(path, name) for path in [*SOURCES, *PAGES] for name in NAMED.findall(path.read_text(encoding="utf-8"))}
    lost = sorted(f"{path.relative_to(ROOT)}: {name}" for path, name in named if not (ROOT / name).exists())
    assert not lost, lost


def test_modules_that_pages_name_are_there():
    there = [f"/{path.relative_to(ROOT)}" for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    named = {
        (page, name)
        for page in PAGES
        if page.name not in HISTORY
        for name in MODULE.findall(page.read_text(encoding="utf-8"))
    }
    lost = sorted(
        f"{page.relative_to(ROOT)}: {name}"
        for page, name in named
        if not any(one.endswith(f"/{name}") for one in there)
    )
    assert not lost, lost


def test_charts_are_those_of_their_tables():
    done = subprocess.run(
        [sys.executable, ROOT / "tools/site/figures.py", "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_page_is_in_the_navigation():
    """Decisions are listed by the index of their folder."""
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    missing = [page for page in pages if f" {page}\n" not in navigation and not page.startswith("decisions/")]
    assert not missing


def _prose(page: Path) -> str:
    """The page without its code, where brackets are no links."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`|^ {4}.*$", "", text, flags=re.MULTILINE)
