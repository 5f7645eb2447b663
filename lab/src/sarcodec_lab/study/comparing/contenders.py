"""Who takes part in a comparison: a published network of the study, or a model of the ordinary codec, behind one face.

In: the path of a single-band GeoTIFF; out: a file on disk. Files are read back by `decode_all`, in a fresh process,
which `decode_command` starts. Torch is loaded by `published` alone, and only for networks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sarcodec.errors import InvalidArgument

CODEC_QUALITIES = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0)
"""Of the ordinary codec: about 0.015 to 0.35 bit a pixel and RMSE from 4 dB to 1 dB, where the networks live."""

RECONSTRUCTIONS = ("log", "power")


@dataclass(frozen=True, order=True)
class Setting:
    """Step multiplier of a network, quality of the codec, PSNR asked of JPEG 2000; and the overlap of tiles."""

    value: float
    overlap_px: int = 0

    @property
    def key(self) -> str:
        """For names of files."""
        return f"{self.value:g}-o{self.overlap_px}"


@dataclass(frozen=True)
class Ladder:
    """Settings of a comparison. The first overlap is that of the curves of tile-bound networks, the others are tried at
    one step."""

    steps: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    overlaps_px: tuple[int, ...] = (32, 0, 16, 64)
    qualities: tuple[float, ...] = CODEC_QUALITIES


@dataclass(frozen=True)
class Facts:
    """What does not depend on the image; None: not known, or without meaning."""

    description: str
    parameters: int | None = None
    encoder_kmac_per_px: float | None = None
    decoder_kmac_per_px: float | None = None
    batches: int | None = None
    tile_px: int | None = None
    split: str = ""


class Contender(Protocol):
    """`ladder`: settings of its curve. `main`: the one that the tables show, None: the one whose rate is nearest to the
    others'. `trials`: further settings at which the cost of overlap is measured. `unit`: what a setting's value is."""

    name: str
    digest_hex: str
    unit: str
    facts: Facts
    ladder: tuple[Setting, ...]
    main: Setting | None
    trials: tuple[Setting, ...]

    def encode(self, scene: Path, setting: Setting, target: Path) -> None:
        """Write the file of a single-band GeoTIFF."""

    def decode_command(self) -> list[str]:
        """Command that reads lines of FILE, tab, OUT.tif from stdin, and answers each with a line of JSON."""


class Network:
    """A published model of the study. The first overlap is that of its curve; none has a meaning where it sees whole
    bands."""

    unit = "step"

    def __init__(self, source: str, ladder: Ladder, folders: Sequence[Path] = ()) -> None:
        from sarcodec_lab.networks.autoencoders import published

        self._source, self._folders = source, tuple(folders)
        self._model = published.load(source, self._folders)
        card, kmac = self._model.card, self._model.kmac_per_px
        self.name, self.digest_hex = self._model.id, self._model.digest.hex()
        self.facts = Facts(
            str(card.get("description", "")),
            card.get("parameters"),
            kmac["encoder"],
            kmac["decoder"],
            card.get("batches"),
            self._model.tile_px,
            str(card.get("split", "")),
        )
        overlaps = ladder.overlaps_px if self._model.tile_px else (0,)
        self.ladder = tuple(Setting(step, overlaps[0]) for step in sorted(ladder.steps))
        self.main = min(self.ladder, key=lambda setting: abs(setting.value - 1))
        self.trials = tuple(Setting(self.main.value, overlap) for overlap in sorted(overlaps[1:]))

    def encode(self, scene: Path, setting: Setting, target: Path) -> None:
        """Write a research file."""
        from sarcodec_lab.study.files.coder import encode_scene

        # A scene that it sees whole has no overlap; one too large for that has the coder's own.
        overlap = {"overlap_px": setting.overlap_px} if self._model.tile_px else {}
        encode_scene(scene, self._model, setting.value, target, **overlap)

    def decode_command(self) -> list[str]:
        """See Contender."""
        return [
            sys.executable,
            "-m",
            "sarcodec_lab.study.files.decode_all",
            "network",
            self._source,
            *map(str, self._folders),
        ]


class CodecModel:
    """A model of the ordinary codec; the settings are its qualities.

    `source`: its id, and after a colon what decompressing aims at: `log` (least squared error in dB, as the networks
    and JPEG 2000 have it; the default) or `power` (no bias of power).
    """

    unit = "quality"
    main = None
    trials = ()

    def __init__(self, source: str, qualities: Sequence[float] = CODEC_QUALITIES) -> None:
        from sarcodec.models import published

        self._id, _, aim = source.partition(":")
        self._reconstruct = aim or "log"
        if self._reconstruct not in RECONSTRUCTIONS:
            raise InvalidArgument(f"found the aim {aim!r} in {source}, expected {' or '.join(RECONSTRUCTIONS)}")
        card = next(card for card in published.available() if card.id == self._id)
        self.name, self.digest_hex, self.facts = source, card.digest_hex, Facts(card.description)
        self.ladder = tuple(Setting(quality) for quality in sorted(qualities))

    def encode(self, scene: Path, setting: Setting, target: Path) -> None:
        """The ordinary compress."""
        import sarcodec

        sarcodec.compress(
            scene, target, quality=setting.value, model=self._id, domain="amplitude", threads=1, overwrite=True
        )

    def decode_command(self) -> list[str]:
        """See Contender."""
        return [sys.executable, "-m", "sarcodec_lab.study.files.decode_all", "codec", self._reconstruct]


def contender(source: str, ladder: Ladder, folders: Sequence[Path] = ()) -> Contender:
    """The codec's model of that id, if there is one, or else the published network of that folder, or id in
    `folders`."""
    return CodecModel(source, ladder.qualities) if is_codec_model(source) else Network(source, ladder, folders)


def is_codec_model(source: str) -> bool:
    """Whether the ordinary codec has a model of that id."""
    from sarcodec.models import published

    return source.partition(":")[0] in {card.id for card in published.available()}


def child_environment() -> dict[str, str]:
    """This process's environment, so set that a child finds the same package."""
    home = str(Path(__file__).resolve().parents[3])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))}
