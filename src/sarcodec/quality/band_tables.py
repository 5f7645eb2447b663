"""The figures of a band as three tables: what it is, what was found, and what would be best."""

from __future__ import annotations

from sarcodec.quality.histograms import HistogramDistances
from sarcodec.quality.metrics import ErrorSummary
from sarcodec.quality.ratio import RatioSummary
from sarcodec.quality.texture import TextureSummary
from sarcodec.quality.words import in_db, number, safe, signed

_ARROW = "\N{RIGHTWARDS ARROW}"
Row = tuple[str, str, str]


def tables(errors: ErrorSummary, texture: TextureSummary) -> str:
    """All three, side by side where there is room."""
    groups = (("Error", _error(errors)), ("Speckle", _speckle(errors)), ("Structure", _structure(texture)))
    return f"<div class=row>{''.join(_table(name, rows) for name, rows in groups)}</div>"


def _table(name: str, rows: list[Row]) -> str:
    head = "<tr><th>Figure</th><th>Found</th><th>Best</th></tr>"
    return f"<div class=scroll><table><caption>{name}</caption>{head}{''.join(map(_row, rows))}</table></div>"


def _row(row: Row) -> str:
    name, found, best = map(safe, row)
    return f"<tr><td>{name}</td><td class=n>{found}</td><td class=n>{best}</td></tr>"


def _error(errors: ErrorSummary) -> list[Row]:
    return [
        ("Valid pixels", f"{errors.pixels:,}", ""),
        ("Invalid pixels", f"{errors.invalid:,}", ""),
        ("Root mean square error of the level", in_db(number(errors.rmse_db)), "0 dB"),
        ("Bias of the mean power", in_db(signed(errors.bias_power_db)), "0 dB"),
        ("Mean error of the level", in_db(signed(errors.mean_error_db)), "0 dB"),
        ("Largest error", in_db(number(errors.max_abs_error_db)), "0 dB"),
        ("99.9 % of errors are within", in_db(number(errors.p999_abs_error_db)), "0 dB"),
        ("Error after averaging 8 x 8 pixels", in_db(number(errors.multilook_rmse_db)), "0 dB"),
    ]


def _speckle(errors: ErrorSummary) -> list[Row]:
    pairs = (
        ("Equivalent number of looks (ENL)", errors.enl_original, errors.enl_decoded),
        ("Correlation of neighbours across", errors.correlation_across_original, errors.correlation_across_decoded),
        ("Correlation of neighbours along", errors.correlation_along_original, errors.correlation_along_decoded),
    )
    rows = [(name, f"{number(before)} {_ARROW} {number(after)}", "unchanged") for name, before, after in pairs]
    windows = ("Windows of 15 x 15 pixels judged", f"{errors.enl_windows:,}", "")
    return [*rows, ("ENL ratio, decoded to original", number(errors.enl_ratio), "1"), windows]


def _structure(texture: TextureSummary) -> list[Row]:
    similarity = texture.similarity
    return [
        *(_ratio_image(texture.ratio) if texture.ratio is not None else ()),
        ("Edges kept", number(texture.edge_preservation), "1"),
        (f"SSIM, for a range of {similarity.data_range_db:g} dB", number(similarity.ssim), "1"),
        ("MS-SSIM, for the same range", number(similarity.ms_ssim), "1"),
        *(_distances(texture.histograms) if texture.histograms is not None else ()),
    ]


def _ratio_image(ratio: RatioSummary) -> list[Row]:
    return [
        ("Ratio image: mean", number(ratio.mean), "1"),
        ("Ratio image: variance", number(ratio.variance), "0"),
        ("Ratio image: structure of the scene in it", number(ratio.structure), "0"),
        ("Ratio image: correlation at 16 pixels", number(ratio.correlation), "0"),
        ("Ratio image: correlation of its spread", number(ratio.correlation_of_spread), "0"),
    ]


def _distances(distances: HistogramDistances) -> list[Row]:
    return [
        ("Distance of the histograms (earth mover's)", in_db(number(distances.earth_mover_db)), "0 dB"),
        ("Distance of the histograms (Kolmogorov-Smirnov)", number(distances.kolmogorov_smirnov), "0"),
    ]
