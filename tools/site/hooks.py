"""What is done to a page before it becomes part of the site.

A comment `<!-- help: VERB -->` becomes what `sarcodec VERB --help` prints, `<!-- public functions -->` and `<!-- public classes -->`
the names of `sarcodec.__all__`, `<!-- pages of this folder -->` a list, `<!-- notebook: NAME -->` the cells and outputs of NAME.ipynb beside the page. Formulas such as T[o][j] are no links, and files of the repository that are no pages become plain words: pages can be read in the repository as well.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_HELP = re.compile(r"<!-- help: *(\w*) -->")
_FORMULA = re.compile(r"\]\[(?!sarcodec)")
_PER_CENT = re.compile(r"(?<=\d) (?=%)")
_LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\(((?:\.\./)+[^)#\s]+)\)")
_CODE = re.compile(r"(`[^`\n]*`|^ {4}.*$|^```[^`]*?^```)", re.MULTILINE)
_NOTEBOOK = re.compile(r"<!-- notebook: *([\w-]+) -->")
_PAGES = "<!-- pages of this folder -->"


def on_page_markdown(markdown: str, page, **_: object) -> str:
    """Called by mkdocs with every page."""
    path = Path(page.file.abs_src_path)
    pieces = _CODE.split(markdown)  # every second one is code
    pieces[::2] = [_PER_CENT.sub("\u00a0", _FORMULA.sub(r"]\\[", piece)) for piece in pieces[::2]]
    markdown = _LINK.sub(lambda found: _link(path, found), "".join(pieces))
    markdown = _HELP.sub(lambda found: f"```text\n{_help(found[1])}```", markdown)
    markdown = _NOTEBOOK.sub(lambda found: _notebook(path.parent / f"{found[1]}.ipynb"), markdown)
    for kind in ("functions", "classes"):
        markdown = markdown.replace(f"<!-- public {kind} -->", _public(kind))
    return markdown.replace(_PAGES, _list_pages(path))


def _link(page: Path, found: re.Match[str]) -> str:
    """The link as it is where it stays among the pages, else its text."""
    inside = (page.parent / found[2]).resolve().is_relative_to(ROOT / "docs")
    return found[0] if inside else found[1]


def _notebook(path: Path) -> str:
    """Cells of a notebook: words, code, and what came of it. Its title is the page's own."""
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(re.sub(r"^# .*\n+", "", text))
            continue
        parts.append(f"```python\n{text}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            kind = next((kind for kind in ("image/png", "image/jpeg") if kind in data), None)
            words = "".join(output.get("text", data.get("text/plain", ""))).rstrip()
            parts.append(
                f"![What the lines above draw](data:{kind};base64,{''.join(data[kind]).strip()})"
                if kind
                else f"```text\n{words}\n```"
            )
    return "\n\n".join(parts)


def _public(kind: str) -> str:
    """One entry of the reference a name, in the order of the alphabet: classes begin with a capital letter, functions do not."""
    tree = ast.parse((ROOT / "src" / "sarcodec" / "__init__.py").read_text(encoding="utf-8"))
    lists = [
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    names = sorted(
        name for name in ast.literal_eval(lists[0]) if name[0].isupper() == (kind == "classes") and name != "errors"
    )
    return "\n\n".join(f"::: sarcodec.{name}" for name in names)


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
