"""A README beside each published network of the study: what it is, how it was trained, what it reached, its limits.

    python benchmarks/study_cards.py study compare.csv

Figures come from the CSV of `sarcodec compare`, everything else from the model's card.json.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from pathlib import Path

FIGURES = (
    ("bits_per_pixel", "bit/pixel, file on disk", 4),
    ("rmse_db", "RMSE, dB", 3),
    ("bias_db", "bias of power, dB", 2),
    ("psnr_study", "PSNR on the study's scale, dB", 2),
    ("ssim_study", "SSIM on the study's scale", 3),
    ("enl_ratio_log", "ENL ratio, study's definition", 2),
    ("epi_cosine", "EPI, study's definition", 3),
)


def rows_of(path: Path) -> dict[str, dict[str, list[dict]]]:
    """Rows by model and by setting; of tile-bound models those of the first overlap alone."""
    found: dict = defaultdict(lambda: defaultdict(list))
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[row["model"]][row["setting"], row["overlap_px"]].append(row)
    return found


def mean_over_places(rows: list[dict], name: str) -> float:
    """Bands and images of a place first, then places."""
    places = defaultdict(list)
    for row in rows:
        if row[name] != "":
            places[row["place"]].append(float(row[name]))
    means = [sum(v) / len(v) for v in places.values()]
    return sum(means) / len(means)


def card_text(card: dict, settings: dict) -> str:
    """The Markdown of one model."""
    shape, recipe = card["shape"], card["recipe"]
    clip = "nothing that uint16 holds" if card["range"] == "centred" else "DN below 30 and above 284.5"
    lines = [
        f"# {card['id']}",
        "",
        f"{card['description']}. One of the networks of the autoencoder study (docs/study.md); for comparison, not for archives.",
        "",
        f"- **Network:** `{shape['variant']}`, {shape['latent_channels']} latent channels, base width {shape['base_width']}, "
        f"{card['parameters']:,} parameters (encoder {card['parameters_of']['encoder']:,}, decoder {card['parameters_of']['decoder']:,})"
        + (", gates between 0 and 2 that begin at 1" if shape.get("open_gates") else ""),
        f"- **Weights:** {card['precision']}, {card['bytes']:,} bytes, digest `{card['digest']}`",
        f"- **Data:** detected Sentinel-1 images, the training split; {card['split']}. Nothing of the validation split was seen.",
        f"- **Protocol:** {card['batches']} batches of {recipe['batch']} crops of "
        + ", ".join(f"{side} px ({100 * share:.3g}%)" for side, share in recipe["crops"])
        + f"; objective `{recipe['objective']}`, learning rate {recipe['learning_rate']:g}, seed {recipe['seed']}",
        f"- **Levels:** `{card['range']}`; clips {clip}",
        f"- **Licence:** {card['licence']}",
        "",
        "## Figures on val/iw",
        "",
        "Means over four places; files written, read back in a fresh process and measured by `sarcodec compare`.",
        "",
        "| step | overlap | " + " | ".join(label for _, label, _ in FIGURES) + " |",
        "|---" * (len(FIGURES) + 2) + "|",
    ]
    for (setting, overlap), rows in sorted(
        settings.items(), key=lambda item: (int(item[0][1] or 0), float(item[0][0]))
    ):
        values = " | ".join(f"{mean_over_places(rows, name):.{digits}f}" for name, _, digits in FIGURES)
        lines.append(f"| x{setting} | {overlap} | {values} |")
    lines += [
        "",
        "## Limits",
        "",
        "Few batches (the study planned 235,000): the figures say what this budget gives, not what the network can do. The mean power of what "
        "comes back is too low (bias above), speckle is smoothed away, small bright targets are weakened. "
        + (
            "CBAM pools over tiles of 256 pixels; larger images are cut into overlapping tiles."
            if card["shape"]["variant"] == "attention" and shape["channel_gate"]
            else ""
        ),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def main() -> None:
    folder, measured = Path(sys.argv[1]), rows_of(Path(sys.argv[2]))
    for path in sorted(folder.glob("*/card.json")):
        card = json.loads(path.read_text())
        (path.parent / "README.md").write_text(card_text(card, measured[card["id"]]), encoding="utf-8")


if __name__ == "__main__":
    main()
