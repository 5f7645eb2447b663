"""A published model: hyper analysis, integer prior, tables, rotation, a card; found by id, verified by digest, tried on a known answer.

In: a model's folder (shipped in the package, or one of SARCODEC_MODELS); out: a frozen Model. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import io
import json
import os
import re
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.entropy import tables as entropy_tables
from sarcodec.entropy.following import Followed, follow
from sarcodec.entropy.prior import (
    GROUPS,
    HYPER_CHANNELS,
    LATENT_TABLES,
    OCTAVE_CLASSES,
    Prior,
    TileLatents,
)
from sarcodec.entropy.prior_arrays import prior_from_arrays
from sarcodec.entropy.tables import FrozenTables
from sarcodec.entropy.tiles import Place
from sarcodec.entropy.walk import pass_sizes
from sarcodec.errors import ModelError, UnknownModel
from sarcodec.models.hyper_analysis import HyperAnalysis
from sarcodec.signal.lapped import OVERLAP, LappedTransform

if TYPE_CHECKING:
    import numpy.typing as npt

    from sarcodec.arrays import Floats, Integers

DEFAULT_MODEL = "lapped32"
FILES = ("hyper_analysis.npz", "prior.npz", "tables.bin", "transform.npz")
CARD = "card.json"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # Also the name of its folder, which a file may not choose elsewhere.


@dataclass(frozen=True)
class ModelCard:
    """What `models list` shows of a model; `text` is the whole card as it was published."""

    id: str
    digest_hex: str
    description: str
    bytes: int
    default: bool
    text: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Model:
    """id and digest (32 bytes) name it; prior and tables are whole numbers; hyper_file: bytes of the hyper analysis' arrays."""

    id: str
    digest: bytes
    prior: Prior
    tables: FrozenTables
    transform: LappedTransform
    hyper_file: bytes

    @cached_property
    def hyper_analysis(self) -> HyperAnalysis:
        """The encoder's alone, and unpacked when it asks: a reader starts without. Raises ModelError."""
        return HyperAnalysis.of(_arrays(self.hyper_file))


def digest_of(contents: dict[str, bytes]) -> bytes:
    """SHA-256 over names, lengths and bytes of a model's files, in order of name."""
    total = hashlib.sha256()
    for name in FILES:
        total.update(f"{name} {len(contents[name])}\n".encode() + contents[name])
    return total.digest()


def folders() -> list[Path]:
    """Folders that hold one folder a model: those of SARCODEC_MODELS, then the package's own."""
    own = Path(str(importlib.resources.files("sarcodec"))) / "models"
    return [Path(p) for p in os.environ.get("SARCODEC_MODELS", "").split(os.pathsep) if p] + [own]


def available() -> tuple[ModelCard, ...]:
    """Cards of the models installed here, by id."""
    cards: dict[str, ModelCard] = {}
    for folder in folders():
        for path in sorted(folder.glob("*/" + CARD)):
            cards.setdefault(path.parent.name, _card(path.parent))
    return tuple(cards[k] for k in sorted(cards))


def _card(folder: Path) -> ModelCard:
    try:
        text = json.loads((folder / CARD).read_text())
        size = sum((folder / name).stat().st_size for name in FILES)
        return ModelCard(text["id"], text["digest"], text["description"], size, text["id"] == DEFAULT_MODEL, text)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"the model in {folder} is incomplete ({error}); install it again") from error


def load(model_id: str | None = None, digest: bytes | None = None) -> Model:
    """The model of an id (default: the shipped one); `digest` (a prefix of at least 8 bytes) must fit if given.

    Raises UnknownModel when no such model is here, ModelError when it is damaged or fails its known answer.
    """
    model_id = DEFAULT_MODEL if model_id is None else model_id
    if not isinstance(model_id, str) or not _ID.fullmatch(model_id):
        raise UnknownModel(
            f"model {model_id!r} is no model's id; `sarcodec models list` names those that are installed"
        )
    homes = [f / model_id for f in folders() if (f / model_id / CARD).exists()]
    if not homes:
        here = ", ".join(c.id for c in available()) or "none"
        raise UnknownModel(
            f"model {model_id!r} is not installed (found: {here}); install the sarcodec version that wrote the "
            "file, or put the model's folder into one named by SARCODEC_MODELS"
        )
    models = [_load_folder(str(home)) for home in homes]
    if digest is None:
        return models[0]
    for model in models:
        if model.digest.startswith(digest):
            return model
    raise UnknownModel(
        f"model {model_id!r} is installed with digest {models[0].digest[:8].hex()}, the file wants "
        f"{digest.hex()}: another version of the model; put that one into a folder named by SARCODEC_MODELS"
    )


@lru_cache(maxsize=4)
def _load_folder(home: str) -> Model:
    folder, card = Path(home), _card(Path(home))
    contents = {name: (folder / name).read_bytes() for name in FILES}
    digest = digest_of(contents)
    if digest.hex() != card.digest_hex:
        raise ModelError(
            f"model {card.id} in {folder} has digest {digest.hex()[:16]}, its card says {card.digest_hex[:16]}: "
            "a file of it was changed; install it again"
        )
    transform = _transform(card.id, _arrays(contents["transform.npz"]))
    prior = prior_from_arrays(_arrays(contents["prior.npz"]))
    tables = entropy_tables.unpack(contents["tables.bin"])
    _check_tables(card.id, tables)
    model = Model(card.id, digest, prior, tables, transform, contents["hyper_analysis.npz"])
    answer = known_answer(prior)
    if answer != card.text.get("known_answer"):
        raise ModelError(
            f"model {card.id} gives {answer} to its known question, its card says {card.text.get('known_answer')}: "
            "integer arithmetic is not exact here (a BLAS that rounds to less than float32?); do not decode here"
        )
    return model


def _arrays(data: bytes) -> dict[str, npt.NDArray[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise ModelError(f"an array file of the model cannot be read ({error}); install it again") from error


def _array(data: bytes) -> npt.NDArray[Any]:
    """What an npy file holds; numpy.load is a third slower, and could unpickle. Raises ValueError."""
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an array is not of npy version 1.0")
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject:
        raise ValueError("an array holds objects, not numbers")
    return np.frombuffer(data, dtype, offset=stream.tell()).reshape(shape, order="F" if by_columns else "C")


def _transform(model_id: str, arrays: dict[str, Floats]) -> LappedTransform:
    """ModelError unless the rotation is there and orthogonal: the decoder undoes it by its transpose."""
    rotation, size = arrays.get("rotation", np.zeros(0)), 2 * OVERLAP
    fine = rotation.shape == (size, size) and rotation.dtype == np.float32 and np.isfinite(rotation).all()
    if not fine or np.abs(rotation @ rotation.T - np.eye(size)).max() > 1e-5:
        raise ModelError(
            f"model {model_id}: its rotation is {rotation.dtype} of shape {rotation.shape}, expected an orthogonal "
            f"float32 matrix of {size} x {size}; install it again"
        )
    return LappedTransform(rotation)


def _check_tables(model_id: str, tables: FrozenTables) -> None:
    """ModelError unless there is a table for everything that a prior may name, and both quantisers skip alike."""
    expected = 2 * LATENT_TABLES + HYPER_CHANNELS * OCTAVE_CLASSES
    if len(tables) != expected:
        raise ModelError(f"model {model_id} has {len(tables)} entropy tables, expected {expected}; install it again")
    if (tables.skip[:LATENT_TABLES] != tables.skip[LATENT_TABLES : 2 * LATENT_TABLES]).any():
        raise ModelError(f"model {model_id}: its two quantisers do not skip the same tables; install it again")


_QUESTIONS = ((40, 5, 6), (330, 6, 5), (600, 4, 9), (250, 5, 6))  # steps, rows and columns in cells
_PLACED = 24  # channels of each group that have places other than 0


def known_answer(prior: Prior) -> str:
    """Checksum of all table numbers and means on fixed symbols at four steps, the last tile leaning on the first: the same on
    every machine (docs/format.md, 10.4)."""
    checksum, count, first = 0, 0, None
    for number, (step, rows, cols) in enumerate(_QUESTIONS):
        place = Place(step, rows, cols, first if number == 3 else None)
        hyper = _numbers(count, place.hyper_count, 6)
        count += hyper.size
        places = _numbers(count, place.count, 3)
        count += places.size
        found = follow(prior, hyper, places * _placed(rows, cols), place)
        first = first or TileLatents(found.latents, step)
        checksum = _checksum(found, hyper.size, pass_sizes(rows, cols), checksum)
    return f"{checksum:08x}"


def _numbers(first: int, count: int, spread: int) -> Integers:
    """Numbers first, first + 1, ... of the question (count,) int32."""
    ramp = (np.arange(first, first + count, dtype=np.int64) * 2654435761 >> 9) % (2 * spread + 1) - spread
    return ramp.astype(np.int32)


def _placed(rows: int, cols: int) -> Integers:
    """1 where the question has a place, 0 elsewhere, in coded order (1024 a cell,) int32."""
    sizes = pass_sizes(rows, cols)
    return np.concatenate(
        [np.tile(np.arange(group) < _PLACED, size // group) for group, size in zip(np.repeat(GROUPS, 2), sizes)]
    ).astype(np.int32)


def _checksum(found: Followed, hyper: int, sizes: list[int], checksum: int) -> int:
    tables, means, begin = found.tables, found.means, 0
    parts = [tables[:hyper]]
    for size in sizes:
        parts += [tables[hyper + begin : hyper + begin + size], means[begin : begin + size]]
        begin += size
    return zlib.crc32(np.concatenate([*parts, found.latents.reshape(-1)]).astype("<i8").data, checksum)
