"""Golden files decode to what they always decoded to: every symbol, every invalid pixel; levels within a tolerance."""

import json
from pathlib import Path

import numpy as np
import pytest

import sarcodec
from golden.make import PROMISED, SCENES, facts
from sarcodec.format.container import MAGIC, VERSION

FOLDER = Path(__file__).resolve().parents[1] / "golden"


def test_none_is_missing_and_none_is_unknown():
    expected = {f"{name}{end}" for name in SCENES | PROMISED for end in (".sarc", ".json")}
    assert expected == {path.name for path in FOLDER.iterdir() if path.suffix in (".sarc", ".json")}


@pytest.mark.parametrize("name", SCENES | PROMISED)
def test_golden_file_decodes_to_the_same(name):
    if name in PROMISED:
        pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    path = FOLDER / f"{name}.sarc"
    expected, found = json.loads(path.with_suffix(".json").read_text()), json.loads(json.dumps(facts(path)))
    levels, wanted = ([np.array(line.split(), float) for line in x.pop("levels_db")] for x in (found, expected))
    assert found == expected
    whole = not expected["dtype"].startswith("float") and all(band["domain"] != "db" for band in expected["bands"])
    for mine, golden in zip(levels, wanted, strict=True):
        one_dn = 20 * np.log10(1 + 10 ** (-golden / 20)) if whole else 0.2 * (expected["dtype"] == "uint8")
        assert (np.abs(mine - golden) <= 0.1 + one_dn).all()


@pytest.mark.parametrize("name", SCENES)
def test_golden_file_is_sound_and_small(name):
    path = FOLDER / f"{name}.sarc"
    data = path.read_bytes()
    assert data[:4] == MAGIC and data[4] == VERSION and 150 < len(data) < 40_000
    tiles = json.loads(path.with_suffix(".json").read_text())["tiles"]
    checked = sarcodec.verify(path, threads=1)
    assert checked.tiles == len(tiles) and checked.symbols >= sum(tile.get("symbols", 1) for tile in tiles)
