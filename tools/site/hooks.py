"""What the site takes from the program itself while it is built: the help of each verb, and the list of decisions.

A comment `<!-- help: VERB -->` in a page becomes what `sarcodec VERB --help` prints; `<!-- pages of this folder -->` becomes a list.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_HELP = re.compile(r"<!-- help: *(\w*) -->")
_PAGES = "<!-- pages of this folder -->"


def on_page_markdown(markdown: str, page, **_: object) -> str:
    """Called by mkdocs with every page."""
    markdown = _HELP.sub(lambda found: f"```text\n{_help(found[1])}```", markdown)
    return markdown.replace(_PAGES, _list_pages(Path(page.file.abs_src_path)))


def _help(verb: str) -> str:
    """Ends the build where the verb is not there any more: mend docs/reference/cli.md."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "96", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "sarcodec", *([verb] if verb else []), "--help"]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def _list_pages(index: Path) -> str:
    pages = sorted(page for page in index.parent.glob("*.md") if page != index)
    return "\n".join(f"- [{_title(page)}]({page.name})" for page in pages)


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
