"""The example of docs/format.md is a file of today, and every byte of it is explained."""

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def example():
    spec = importlib.util.spec_from_file_location("example", ROOT / "tools/site/example.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_the_table_of_the_file():
    module = example()
    page = (ROOT / "docs/format.md").read_text(encoding="utf-8")
    shown = page.split(module.BEGIN)[1].split(module.END)[0]
    assert shown.strip() == module.table(), "run tools/site/example.py"


def test_every_byte_is_told_of_once_and_in_its_place():
    module = example()
    data, at = (ROOT / "tests/golden/v1-tiny.sarc").read_bytes(), 0
    for place, text, meaning in module.rows_of(data)[2:]:
        some = bytes.fromhex(text.strip("`"))
        assert int(place) == at and data[at : at + len(some)] == some and meaning
        at += len(some)
    assert at == len(data)
    meanings = [meaning for _, _, meaning in module.rows_of(data)]
    assert all(any(re.search(rf"kind {kind}\b", m) for m in meanings) for kind in (1, 8, 10, 64))
