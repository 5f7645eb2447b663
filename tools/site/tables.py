"""Tables of the pages under docs/results: a page's text in, rows of cells out. Knows nothing of what they measure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "docs" / "results"
_NUMBER = re.compile(r"[-+−]?\d[\d,]*\.?\d*")


@dataclass(frozen=True)
class Table:
    """One table: the names of its columns, and its rows as text."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def row(self, *begins: str) -> dict[str, str]:
        """The row whose first cells are these, by column."""
        found = [row for row in self.rows if tuple(cell.replace("*", "") for cell in row[: len(begins)]) == begins]
        if not found:
            raise LookupError(
                f"found no row {begins} under {self.head}; the page changed, change tools/site/figures.py"
            )
        return dict(zip(self.head, found[0], strict=True))


def tables_after(page: str, text: str) -> list[Table]:
    """The tables of PAGE.md in docs/results that follow the first place where `text` stands, in order."""
    whole = (RESULTS / f"{page}.md").read_text(encoding="utf-8")
    if text not in whole:
        raise LookupError(
            f"found no {text!r} in docs/results/{page}.md; the page changed, change tools/site/figures.py"
        )
    blocks = re.findall(r"(?:^\|.*\n)+", whole[whole.index(text) :], re.MULTILINE)
    return [_table(block) for block in blocks]


def number(cell: str) -> float:
    """The first number of a cell; signs of both kinds, thousands with commas."""
    found = _NUMBER.search(cell)
    if found is None:
        raise ValueError(f"found no number in {cell!r}")
    return float(found[0].replace(",", "").replace("−", "-"))


def _table(block: str) -> Table:
    rows = [tuple(cell.strip() for cell in line.strip().strip("|").split("|")) for line in block.splitlines()]
    return Table(rows[0], tuple(rows[2:]))
