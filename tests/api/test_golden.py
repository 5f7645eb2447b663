"""Golden files decode to what they always decoded to: every symbol, every invalid pixel; levels within a tolerance."""

import json
from pathlib import Path

import numpy as np
import pytest

import sarcodec
from golden.facts import facts
from golden.frozen import checksums, frozen
from golden.scenes import PROMISED, SCENES
from sarcodec.cli.brief import described, verified
from sarcodec.errors import OlderVersion
from sarcodec.format import sections
from sarcodec.format.bands import KINDS
from sarcodec.format.container import DTYPES, MAGIC, VERSION
from sarcodec.format.measure import DOMAINS
from sarcodec.format.reader import FileReader

FOLDER = Path(__file__).resolve().parents[1] / "golden"
REFUSED = FOLDER / "v0-refused.sarc"
PRODUCT = FOLDER / "v1-product.sarc"  # tests/products/test_golden.py
IN_GOLDEN = {
    sections.BASE, sections.BASE_LEANING, sections.LATENTS, sections.LEANING, sections.MASK, sections.LEVELS, sections.PIXELS, sections.POWER,
    sections.TARGETS, sections.OVERVIEW, sections.REDUCED_MASK,
}  # fmt: skip


def test_none_is_missing_and_none_is_unknown():
    expected = {f"{name}{end}" for name in SCENES | PROMISED for end in (".sarc", ".json")}
    expected |= {REFUSED.name, PRODUCT.name, PRODUCT.with_suffix(".json").name, "frozen.json"}
    assert expected == {path.name for path in FOLDER.iterdir() if path.suffix in (".sarc", ".json")}


def test_none_was_replaced():
    assert checksums() == frozen()


@pytest.mark.parametrize("verb", [sarcodec.info, sarcodec.open, sarcodec.verify])
def test_a_file_of_version_0_is_refused_with_the_way_out(verb):
    with pytest.raises(OlderVersion, match=r"decompress it.*sarcodec<0\.2.*compress it again"):
        verb(REFUSED)


def test_what_a_later_release_added_is_skipped_and_said():
    path = FOLDER / "v1-of-a-later-release.sarc"
    report, found = sarcodec.verify(path, threads=1), sarcodec.info(path)
    assert report.skipped_sections == ((67, 1), (100, 1), (126, 1)) and report.skipped_records == (8, 254)
    assert found.skipped_records == (8, 254)
    assert "record 8, record 254" in " ".join(described(found))
    assert "1 section of kind 67, 1 section of kind 100" in " ".join(verified(report, None, ()))


def test_all_that_the_format_has_is_in_a_golden_file():
    known = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in SCENES | PROMISED}
    kinds = {kind for file in known.values() for tile in file["tiles"] for kind in tile["sections"]}
    kinds |= {section.kind for name in known for section in _bases(name)}
    assert kinds >= IN_GOLDEN
    assert {file["dtype"] for file in known.values()} == set(DTYPES)
    assert max(file["blocks"] for file in known.values()) > 1
    assert any(file["skipped"] for file in known.values()) and any(file["attachments"] for file in known.values())
    assert {band["domain"] for file in known.values() for band in file["bands"]} == {*DOMAINS, None}
    assert {band["kind"] for file in known.values() for band in file["bands"]} == set(KINDS)
    efforts = {file["claims"]["asked"].get("effort") for file in known.values()}
    assert efforts == {None, 0, 1, 2, 3}
    learned = [
        section for name in known for section in _bases(name) if section.kind in (sections.BASE, sections.BASE_LEANING)
    ]
    choices = [(section.kind, sections.unpack_base(section)[1]) for section in learned]
    assert {(kind, tried.large, bool(tried.shifts)) for kind, tried in choices} == {
        (kind, thorough, thorough) for kind in (sections.BASE, sections.BASE_LEANING) for thorough in (False, True)
    }


def _bases(name: str) -> list[sections.Section]:
    """Sections of the base payloads of learned bands."""
    with FileReader(FOLDER / f"{name}.sarc") as file:
        head = file.header
        places = [
            (tile, band)
            for tile in range(-(-head.rows // 512) * -(-head.cols // 512))
            for band in range(len(head.bands))
        ]
        return [
            section
            for place in places
            if head.bands[place[1]].kind == "learned"
            for section in file.base_sections(*place)
        ]


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
