"""What an encoder says of a file: what was asked for, and what it measured while it encoded. Text to a few bytes and back (docs/format.md, 3.3 and 18).

No reader of pixels needs it. Knows no pixels and no way of measuring.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import asdict, dataclass
from typing import Any

from sarcodec.errors import CorruptFile

LONGEST = 1 << 20  # bytes before compression
OWN_PIXELS = "own pixels"
"""Those that a tile's own latents decide: not the 16 beside borders to neighbours."""

ALL_PIXELS = "all pixels"

TARGETS = ("quality", "bpp", "size", "rmse_db", "class", "max_error_db", "lossless")
_USUAL = (
    b'{"asked":{"effort":1,"target":"quality","value":60.0},"bands":[{"bias_power_db":0.0001,"enl_ratio_restored":1.0,'
    b'"invalid_share":0.0,"max_error_db":0.0,"rmse_db":0.3}],"measured":"own pixels","model":"lapped32","reconstruct":"power",'
    b'"software":"sarcodec 0.2.0","speckle":"keep"}'
)  # zlib's preset dictionary


@dataclass(frozen=True)
class Asked:
    """The target that the encoder was given and its value (the name of a class; 0 where lossless), and the effort, None where no model was used."""

    target: str
    value: float | str
    effort: int | None = None


@dataclass(frozen=True)
class BandClaims:
    """Of one band; None: not measured, or not promised. Figures in dB are those of the decoded pixels before they are rounded to their type.

    rmse_db: root mean square error; bias_power_db: mean power decoded over that of the original; max_error_db: no valid pixel is off by more;
    enl_ratio_restored: equivalent number of looks of calm windows with restored speckle over the original's; invalid_share: of all pixels.
    """

    rmse_db: float | None = None
    bias_power_db: float | None = None
    max_error_db: float | None = None
    enl_ratio_restored: float | None = None
    invalid_share: float | None = None


@dataclass(frozen=True)
class Claims:
    """Of a file. software: name and version; model: its id, None without one; reconstruct, speckle: how pixels were decoded that were measured;
    measured: which pixels they were, None where nothing was measured; bands: one each."""

    software: str
    model: str | None
    asked: Asked
    reconstruct: str
    speckle: str
    measured: str | None
    bands: tuple[BandClaims, ...]


def claims_json(claims: Claims) -> str:
    """As text: an object of docs/assets/claims.schema.json, without keys whose value is not known."""
    return json.dumps(_known(asdict(claims)), separators=(",", ":"), sort_keys=True, allow_nan=False)


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items() if item is not None}
    return [_known(item) for item in value] if isinstance(value, (list, tuple)) else value


def pack_claims(claims: Claims) -> bytes:
    """For the head of a file."""
    packer = zlib.compressobj(9, zdict=_USUAL)
    return packer.compress(claims_json(claims).encode("ascii")) + packer.flush()


def unpack_claims(data: bytes, count: int) -> Claims | None:
    """The way back from `pack_claims`, of a file of `count` bands; None where it claims nothing. Unknown keys are skipped. Raises CorruptFile."""
    if not data:
        return None
    try:
        inflater = zlib.decompressobj(zdict=_USUAL)
        text = inflater.decompress(data, LONGEST)
        if not inflater.eof or inflater.unused_data:
            raise ValueError("it does not end where its text does")
        return _claims(json.loads(text.decode("ascii")), count)
    except (zlib.error, ValueError, AttributeError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise CorruptFile(f"the claims of the file cannot be read ({error}); it is damaged") from None


def _claims(said: dict[str, Any], count: int) -> Claims:
    bands = tuple(_band(band) for band in said["bands"])
    if len(bands) != count:
        raise ValueError(f"{len(bands)} bands, expected {count}")
    asked = said["asked"]
    value = asked["value"]
    return Claims(
        _text(said["software"]),
        _text(said["model"]) if "model" in said else None,
        Asked(
            _text(asked["target"]), value if isinstance(value, str) else _number(value), _effort(asked.get("effort"))
        ),
        _text(said["reconstruct"]),
        _text(said["speckle"]),
        _text(said["measured"]) if "measured" in said else None,
        bands,
    )


def _band(said: dict[str, Any]) -> BandClaims:
    names = BandClaims.__dataclass_fields__
    return BandClaims(**{name: _number(value) for name, value in said.items() if name in names})


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r}, expected a text")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r}, expected a finite number")
    return float(value)


def _effort(value: object) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(f"effort {value!r}, expected a whole number")
    return value
