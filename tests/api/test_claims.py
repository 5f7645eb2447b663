"""What a file claims is what it was asked for and what measuring gives; machine-readable, and the same for any number of threads."""

import json
from pathlib import Path

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude, store
from format.taken_apart import apart, resealed
from sarcodec.errors import CorruptFile
from sarcodec.format.claims import claims_json, pack_claims, unpack_claims
from sarcodec.raster.geotiff import open_scene
from sarcodec.signal.radiometry import normalise

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs/assets/claims.schema.json").read_text())
KINDS = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int}


def broken(value, schema: dict, where: str = "claims") -> list[str]:
    """What of a schema does not hold: of the words that this one uses."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    found = []
    if kinds and not any(isinstance(value, KINDS[kind]) and not isinstance(value, bool) for kind in kinds):
        return [f"{where} is {value!r}, expected {kinds}"]
    if value not in schema.get("enum", [value]):
        found.append(f"{where} is {value!r}, expected one of {schema['enum']}")
    if not schema.get("minimum", -np.inf) <= (value if "minimum" in schema else 0) <= schema.get("maximum", np.inf):
        found.append(f"{where} is {value!r}, out of bounds")
    if isinstance(value, dict):
        found += [f"{where}.{name} is missing" for name in schema.get("required", []) if name not in value]
        known = schema.get("properties", {})
        found += [text for name in value.keys() & known for text in broken(value[name], known[name], f"{where}.{name}")]
        found += [f"{where}.{name} is not described" for name in value.keys() - known]
    if isinstance(value, list):
        found += [f"{where} is too short"] * (len(value) < schema.get("minItems", 0))
        found += [t for n, item in enumerate(value) for t in broken(item, schema.get("items", {}), f"{where}[{n}]")]
    return found


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Two bands of two tiles with a border of nodata."""
    found = amplitude(5, 90, 600, 2)
    found[:, :9] = 0
    found[1, :, 580:] = 0
    return found


ASKED = [
    ({"quality": 45}, "quality", 45),
    ({"target_bpp": 1.5}, "bpp", 1.5),
    ({"target_size": 30_000}, "size", 30_000),
    ({"quality": 45, "effort": 0}, "quality", 45),
    ({"max_error_db": 0.7}, "max_error_db", 0.7),
    ({"lossless": True}, "lossless", 0),
]


@pytest.mark.parametrize("options, target, value", ASKED)
def test_claims_say_what_was_asked_for_and_fit_the_schema(pixels, options, target, value):
    if target in ("max_error_db", "lossless"):
        pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    data = sarcodec.encode(pixels, threads=2, **options)
    claims = sarcodec.info(data).claims
    assert (claims.asked.target, claims.asked.value) == (target, value)
    assert claims.software == f"sarcodec {sarcodec.__version__}" and claims.model == sarcodec.info(data).model
    assert broken(json.loads(claims_json(claims)), SCHEMA) == []
    with sarcodec.open(data) as scene:
        assert scene.claims == claims
    assert len(apart(data).header.claims) < 100


def test_the_checker_of_the_schema_sees_what_is_wrong():
    good = {
        "software": "x",
        "asked": {"target": "bpp", "value": 1},
        "reconstruct": "power",
        "speckle": "keep",
        "bands": [{}],
    }
    assert broken(good, SCHEMA) == []
    for change in ({"bands": []}, {"asked": {}}, {"speckle": "lost"}, {"bands": [{"rmse_db": "x"}]}, {"bands": [{"invalid_share": 2}]}, {"more": 1}):  # fmt: skip
        assert broken(good | change, SCHEMA)


def test_claims_are_what_measuring_gives(pixels, tmp_path):
    """On the pixels that are measured: all but the 16 on each side of the border between the two tiles."""
    source = store(tmp_path / "in.tif", pixels)
    sarcodec.compress(source, tmp_path / "x.sarc", quality=40, threads=2)
    with sarcodec.open(tmp_path / "x.sarc") as scene, open_scene(source) as reader:
        decoded, claims = scene.read(), scene.claims
        assert claims.measured == "own pixels"
        for band in range(2):
            measure = scene._decoder.measures[band]
            level, valid = normalise(pixels[band], measure)
            assert claims.bands[band].invalid_share == pytest.approx(1 - valid.mean(), abs=1e-6)
            valid[:, 496:528] = False
            after, _ = normalise(decoded[band], measure)
            error = (after - level)[valid].astype(float)
            assert claims.bands[band].rmse_db == pytest.approx(np.sqrt(np.mean(error**2)), abs=0.02)
            power = [np.sum(10 ** (side[valid].astype(float) / 10)) for side in (level, after)]
            assert claims.bands[band].bias_power_db == pytest.approx(10 * np.log10(power[1] / power[0]), abs=0.01)
            assert 0.9 < claims.bands[band].enl_ratio_restored < 1.1 and claims.bands[band].max_error_db is None
        assert reader.info.count == 2


def test_files_are_the_same_for_any_number_of_threads(pixels):
    assert sarcodec.encode(pixels, threads=1) == sarcodec.encode(pixels, threads=3)


def test_nothing_is_measured_at_effort_0(pixels):
    claims = sarcodec.info(sarcodec.encode(pixels, effort=0)).claims
    assert claims.measured is None and claims.asked.effort == 0
    assert all(band.rmse_db is None and band.invalid_share is None for band in claims.bands)


def test_bounded_bands_claim_their_bound_and_lossless_ones_no_error(pixels):
    pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    bounded = sarcodec.info(sarcodec.encode(pixels, max_error_db=0.7)).claims
    assert bounded.measured == "all pixels" and all(band.max_error_db == 0.7 for band in bounded.bands)
    assert all(0.1 < band.rmse_db < 0.5 for band in bounded.bands)
    lossless = sarcodec.info(sarcodec.encode(pixels, lossless=True)).claims
    assert [(band.max_error_db, band.rmse_db) for band in lossless.bands] == [(0.0, None)] * 2


def test_exact_bands_claim_nothing(pixels):
    claims = sarcodec.info(sarcodec.encode(pixels, exact_bands=2)).claims
    assert claims.bands[0].rmse_db is not None and claims.bands[1] == type(claims.bands[1])()


def test_the_decoded_file_keeps_the_claims(pixels, tmp_path):
    data = sarcodec.encode(pixels, quality=30)
    sarcodec.decompress(data, tmp_path / "out.tif", window=((0, 20), (0, 20)))
    with open_scene(tmp_path / "out.tif") as reader:
        tags = dict(dict(reader.info.tags)["SARCODEC"])
    assert broken(json.loads(tags["CLAIMS"]), SCHEMA) == []
    assert tags["CLAIMS"] == claims_json(sarcodec.info(data).claims)


def test_a_file_may_claim_nothing_and_unknown_keys_are_skipped(pixels):
    data = sarcodec.encode(pixels, quality=30)
    claims = sarcodec.info(data).claims
    assert sarcodec.info(resealed(data, claims=b"")).claims is None
    import zlib

    from sarcodec.format import claims as module

    packer = zlib.compressobj(9, zdict=module._USUAL)
    text = json.dumps(json.loads(claims_json(claims)) | {"later": [1]}).encode()
    assert unpack_claims(packer.compress(text) + packer.flush(), 2) == claims


@pytest.mark.parametrize("change", [{"bands": []}, {"bands": [1, 2]}, {"software": 3}, {"asked": {"target": "bpp"}}, {"model": None}, {"bands": [{"rmse_db": True}, {}]}])  # fmt: skip
def test_malformed_claims_are_corrupt(pixels, change):
    import zlib

    from sarcodec.format import claims as module

    known = sarcodec.info(sarcodec.encode(pixels[:, :40, :40], quality=30)).claims
    packer = zlib.compressobj(9, zdict=module._USUAL)
    data = packer.compress(json.dumps(json.loads(claims_json(known)) | change).encode()) + packer.flush()
    for damaged in (data, pack_claims(known)[:-2], pack_claims(known) + b"x", b"\0"):
        with pytest.raises(CorruptFile, match="claims"):
            unpack_claims(damaged, 2)
