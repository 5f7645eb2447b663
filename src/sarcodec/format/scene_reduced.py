"""What a scene says of itself at a fraction of its resolution: all that tells places is scaled, nothing else is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sarcodec.format.scene import SceneInfo, Tags


def reduced_info(info: SceneInfo, side: int) -> SceneInfo:
    """Of a scene of which side x side pixels become one; sizes are rounded up.

    Transform, control points, rational polynomials and geolocation arrays say the same of the ground as before.
    """
    t = info.transform
    return replace(
        info,
        rows=-(-info.rows // side),
        cols=-(-info.cols // side),
        transform=t and (t[0] * side, t[1] * side, t[2], t[3] * side, t[4] * side, t[5]),
        gcps=tuple(replace(p, row=p.row / side, col=p.col / side) for p in info.gcps),
        tags=_scaled_tags(info.tags, side),
    )


def _scaled_tags(tags: Tags, side: int) -> Tags:
    """Of rational polynomials pixel 0 is the middle of the first pixel; geolocation arrays count pixels from its corner."""
    centre: Callable[[float], float] = lambda at: (at + 0.5) / side - 0.5  # two words for one line each
    share: Callable[[float], float] = lambda length: length / side
    laws = {
        "RPC": {"LINE_OFF": centre, "SAMP_OFF": centre, "LINE_SCALE": share, "SAMP_SCALE": share},
        "GEOLOCATION": {"LINE_OFFSET": share, "PIXEL_OFFSET": share, "LINE_STEP": share, "PIXEL_STEP": share},
    }
    return tuple(
        (domain, tuple((key, _by(laws.get(domain, {}).get(key), value)) for key, value in items))
        for domain, items in tags
    )


def _by(law: Callable[[float], float] | None, value: str) -> str:
    if law is None:
        return value
    try:
        return f"{law(float(value)):.17g}"
    except ValueError:
        return value
