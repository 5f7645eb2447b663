"""Draw docs/assets/*.svg from the tables of docs/results and from the code itself, so that a figure never says anything else than they.

python tools/site/figures.py            # draws them
python tools/site/figures.py --check    # ends with status 1 if one of them is not what would be drawn
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from charts import Bars, Lines, draw_bars, draw_lines
from rooms import draw_rooms
from tables import number, tables_after
from walk import draw_walk

ASSETS = Path(__file__).parents[2] / "docs" / "assets"
CODECS = {"sarcodec": "sarcodec", "j2k": "JPEG 2000", "jxl": "JPEG XL", "avif": "AV1", "vvc": "VVC"}
COLOURS = {"JPEG 2000": 1, "JPEG XL": 2, "JPEG XL, effort 9": 2, "AV1": 3, "VVC": 4, "SZ3": 4, "LERC": 5}
RATES = ("0.1", "0.3", "1")
FIDELITY_RATES = ("0.1", "0.3", "0.8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="draw nothing; say which figures are not those of their tables"
    )
    check, stale = parser.parse_args().check, []
    for name, draw in FIGURES.items():
        path, text = ASSETS / f"{name}.svg", draw()
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(path.name)
        elif not check:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"found {', '.join(stale)} other than their tables; run: python tools/site/figures.py", file=sys.stderr)
    return bool(stale)


def rate_distortion() -> str:
    table = tables_after("rate-distortion", "## The curve in numbers")[0]
    names = ("sarcodec", "VVC", "AV1", "JPEG XL", "JPEG 2000", "LERC")
    curves = {name: [(number(row[table.head.index(name)]), number(row[0])) for row in table.rows] for name in names}
    x_ticks, y_ticks = (0.2, 0.5, 1, 2, 4), (0.4, 0.6, 0.8, 1, 1.2, 1.4)
    return draw_lines(
        Lines(
            "Error by size: lower and further left is better",
            "bits a pixel",
            "error, dB (RMSE)",
            x_ticks,
            y_ticks,
            curves,
            colours=COLOURS,
        )
    )


def bd_rate() -> str:
    row = tables_after("rate-distortion", "## Fewer bits")[0].row("mean of 8 iw bands")
    codecs = ("j2k", "jxl", "avif", "vvc")
    values = [number(row[codec]) for codec in codecs]
    return draw_bars(
        Bars("Size at equal error, against ...", [CODECS[c] for c in codecs], {"sarcodec": values}, "{:.1f} %")
    )


def two_bands() -> str:
    table = tables_after("two-bands", "# Two bands")[0]
    names = [row[0].strip("*") for row in table.rows]
    short = [name.replace("s1f11-", "").replace("ibm-s1rtc-", "ibm-").split("-s1hand")[0] for name in names]
    return draw_bars(
        Bars(
            "Size of one file against two, equal error",
            short,
            {"sarcodec": [number(row[1]) for row in table.rows]},
            "{:.2f} %",
        )
    )


def bias() -> str:
    return _fidelity(
        "bias dB, largest", "Largest error of the mean power, dB", ("sarcodec power", "j2k", "jxl", "avif"), "{:.3f}"
    )


def enl() -> str:
    title = "Looks, decoded over original (1 is right)"
    return _fidelity("ENL ratio, mean", title, ("sarcodec restore", "sarcodec power", "j2k", "jxl", "avif"), "{:.2f}")


def _fidelity(column: str, title: str, series: Sequence[str], form: str) -> str:
    tables = [tables_after("fidelity", f"### At {rate} bit/pixel")[0] for rate in FIDELITY_RATES]
    names = {"sarcodec power": "sarcodec", "sarcodec restore": "sarcodec, restore"} | CODECS
    values = {names[one]: [number(table.row(one)[column]) for table in tables] for one in series}
    return draw_bars(Bars(title, [f"{rate} bit/pixel" for rate in FIDELITY_RATES], values, form, colours=COLOURS))


def classes() -> str:
    table = tables_after("fidelity", "## Classes")[0]
    images = list(dict.fromkeys(row[0] for row in table.rows))
    values = {
        f"{kind}": [number(table.row(image, kind)["bit/pixel"]) for image in images] for kind in ("archive", "analysis")
    }
    short = [
        image.replace("s1f11-", "").replace("ibm-s1rtc-", "ibm-").replace("-test-data-ramb", "").split("-s1hand")[0]
        for image in images
    ]
    return draw_bars(Bars("Bits a pixel of the two classes", short, values, "{:.2f}", own="archive"))


def bounded() -> str:
    sections = {
        "at most 0.5 dB": "### At most 0.5 dB",
        "at most 1 dB": "### At most 1 dB",
        "lossless": "### Without loss",
    }
    rows = [tables_after("bounded", text)[0].row("mean (largest, sum)") for text in sections.values()]
    names = {
        "sarcodec": "sarcodec",
        "jxl effort 9": "JPEG XL, effort 9",
        "sz3": "SZ3",
        "lerc": "LERC",
        "jpeg-ls": "JPEG-LS",
    }
    values = {name: [number(row[key]) if key in row else None for row in rows] for key, name in names.items()}
    return draw_bars(Bars("Bits a pixel, mean of all bands", list(sections), values, colours=COLOURS))


def tasks_water() -> str:
    return _tasks("water", "IoU", "Water masks: agreement with the original's (IoU)")


def tasks_ships() -> str:
    return _tasks("ships, weak", "ships found", "Small, weak ships found (original: 0.65)")


def _tasks(task: str, figure: str, title: str) -> str:
    table = tables_after("tasks", "## All figures")[0]
    codecs = ("sarcodec", "j2k", "jxl", "avif")
    rows = [table.row(task, figure, rate) for rate in RATES]
    values = {CODECS[codec]: [number(row[codec]) for row in rows] for codec in codecs}
    return draw_bars(Bars(title, [f"{rate} bit/pixel" for rate in RATES], values, colours=COLOURS))


def speed() -> str:
    table = tables_after("speed", "## One core")[0]
    names = {
        "sarcodec, effort 1": "sarcodec, effort 1",
        "sarcodec, effort 0": "sarcodec, effort 0",
        "j2k": "JPEG 2000",
        "jxl": "JPEG XL",
    }
    rows = {name: table.row(key) for key, name in names.items()}
    values = {name: [number(row["in, warm"]), number(row["out, warm"])] for name, row in rows.items()}
    return draw_bars(
        Bars("Megapixels a second, one core, warm", ["compressing", "decompressing"], values, "{:.1f}", colours=COLOURS)
    )


def borders() -> str:
    table = tables_after("robustness", "## Tiles and windows")[0]
    scenes = list(dict.fromkeys(row[0] for row in table.rows))
    qualities = ("30", "50", "70")
    values = {
        f"quality {quality}": [100 * (number(table.row(scene, quality)["beside / elsewhere"]) - 1) for scene in scenes]
        for quality in qualities
    }
    short = [scene.replace("grdh-measurement-vv-gcps", "GRDH product") for scene in scenes]
    return draw_bars(Bars("Error beside tile borders, against elsewhere", short, values, "{:+.1f} %", own="quality 50"))


def inputs() -> str:
    table = tables_after("robustness", "## Pixel types")[0]
    short = [
        row[0].replace("-sigma0-db.tif", ", dB").replace("grdh-measurement-vv-gcps.tiff", "GRDH product")
        for row in table.rows
    ]
    return draw_bars(
        Bars("Error at quality 60, dB (RMSE)", short, {"sarcodec": [number(row[2]) for row in table.rows]}, "{:.3f}")
    )


def simulator() -> str:
    table = tables_after("simulator", "# The simulator")[0]
    rows = {
        "simulator": "simulator, patches",
        "real, VV": "chips VV (464 corners)",
        "real, VH": "chips VH (263 corners)",
    }
    found = {name: table.row(key) for name, key in rows.items()}
    across, along = "lag 1 across", "lag 1 along"
    values = {name: [number(row["looks"]) / 10, number(row[across]), number(row[along])] for name, row in found.items()}
    return draw_bars(
        Bars(
            "Speckle in small patches: simulated and real",
            ["looks / 10", "correlation across", "correlation along"],
            values,
            own="simulator",
        )
    )


def study() -> str:
    table = tables_after("study", "## Rate and distortion in files")[0]
    names = [f"{row[0]}, {row[1]}".replace("`", "") for row in table.rows]
    place = table.head.index("bits against JPEG 2000, %")
    values = [number(row[place]) for row in table.rows]
    return draw_bars(Bars("Size against JPEG 2000 at equal error", names, {"sarcodec": values}, "{:+.1f} %"))


def study_curves() -> str:
    table = tables_after("study", "## Curves")[0]
    batches = [number(cell) for cell in table.head[1:]]
    curves = {row[0]: [(x, number(y)) for x, y in zip(batches, row[1:], strict=True) if y] for row in table.rows}
    return draw_lines(
        Lines(
            "SSIM on development places by batches of training",
            "batches",
            "SSIM",
            (250, 500, 1000, 2000, 4000, 9600),
            (0.45, 0.5, 0.55, 0.6, 0.65),
            curves,
            own="attention, details",
        )
    )


FIGURES: dict[str, Callable[[], str]] = {
    "rate-distortion": rate_distortion,
    "bd-rate": bd_rate,
    "two-bands": two_bands,
    "bias": bias,
    "enl": enl,
    "classes": classes,
    "bounded": bounded,
    "tasks-water": tasks_water,
    "tasks-ships": tasks_ships,
    "speed": speed,
    "borders": borders,
    "inputs": inputs,
    "simulator": simulator,
    "study": study,
    "study-curves": study_curves,
    "rooms": draw_rooms,
    "walk": draw_walk,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
