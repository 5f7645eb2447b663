"""A training recipe: what a TOML file says, checked. Knows no tensor and no image."""

import math
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from sarcodec.errors import InvalidArgument

DEVICES = ("auto", "cpu", "cuda")
STEP_INDICES = 640
GRID_PX = 64  # the hyperprior works on cells of 2 x 2 blocks of 32 pixels
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MANY = 100_000_000


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run of the DCT codec; docs/training.md explains each key.

    Raises InvalidArgument when a value has another type than its default or no meaning.
    """

    name: str
    steps: int = 4000
    batch: int = 8
    patch_px: int = 256
    learning_rate: float = 5e-4
    final_learning_rate: float = 1e-5
    warmup_steps: int = 100
    clip_norm: float = 1.0
    ema: float = 0.998
    seed: int = 1
    rate_constant: float = 7.5
    focus: tuple[int, int] = (230, 470)
    focus_share: float = 0.75
    families: tuple[tuple[str, float], ...] = (
        ("iw", 0.6),
        ("slc", 0.08),
        ("ew", 0.08),
        ("8bit", 0.08),
        ("native", 0.16),
    )
    smooth_share: float = 0.0
    dev_groups: tuple[str, ...] = ()
    dev_every: int = 500
    checkpoint_every: int = 250
    patience: int = 0
    start_from: str = ""
    compile: bool = False
    device: str = "auto"
    simulated_scenes: int = 4
    simulated_px: int = 1024

    def __post_init__(self) -> None:
        for field in fields(self):
            check_type(field.name, field.type, getattr(self, field.name))
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InvalidArgument(f"{name} is {value}, expected a number from {low} to {high}")
        _check_words(self)
        _check_focus(self.focus)
        check_families(self.families)

    @property
    def weighted(self) -> frozenset[str]:
        """Families that patches are drawn from."""
        return frozenset(family for family, weight in self.families if weight > 0)


_RANGES = {
    "smooth_share": (0, 1),
    "steps": (1, _MANY),
    "batch": (1, 4096),
    "patch_px": (GRID_PX, 4096),
    "learning_rate": (1e-9, 1.0),
    "final_learning_rate": (0.0, 1.0),
    "warmup_steps": (0, _MANY),
    "clip_norm": (1e-6, 1e6),
    "ema": (0.0, 0.999999),
    "seed": (0, 2**63 - 1),
    "rate_constant": (1e-3, 1e3),
    "focus_share": (0.0, 1.0),
    "dev_every": (1, _MANY),
    "checkpoint_every": (1, _MANY),
    "patience": (0, _MANY),
    "simulated_scenes": (1, 1000),
    "simulated_px": (GRID_PX, 16384),
}
_KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def check_type(name: str, kind: type, value: object) -> None:
    if kind not in _KINDS:
        return  # the tuples have checks of their own
    wanted = (int, float) if kind is float else kind
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        raise InvalidArgument(f"{name} is {value!r}, expected {_KINDS[kind]}")


def _check_words(recipe: Recipe) -> None:
    check_file_name("name", recipe.name)
    if recipe.patch_px % GRID_PX:
        raise InvalidArgument(f"patch_px is {recipe.patch_px}, expected a multiple of {GRID_PX}")
    if recipe.batch % 2:
        raise InvalidArgument(f"batch is {recipe.batch}, expected an even number: patches are drawn in couples")
    if recipe.device not in DEVICES:
        raise InvalidArgument(f"device is {recipe.device!r}, expected one of {', '.join(DEVICES)}")
    if not all(isinstance(group, str) and group for group in recipe.dev_groups):
        raise InvalidArgument(f"dev_groups is {list(recipe.dev_groups)}, expected a list of texts")


def check_file_name(what: str, name: str) -> None:
    """InvalidArgument unless a name can be that of a folder everywhere."""
    if not _FILE_NAME.fullmatch(name):
        raise InvalidArgument(f"{what} is {name!r}, expected letters, digits, '.', '_' and '-' only: it names a folder")


def _check_focus(focus: tuple) -> None:
    whole = len(focus) == 2 and all(isinstance(n, int) and not isinstance(n, bool) for n in focus)
    if not whole or not 0 <= focus[0] < focus[1] <= STEP_INDICES:
        raise InvalidArgument(f"focus is {list(focus)}, expected two step indices [low, high] from 0 to {STEP_INDICES}")


def check_families(families: tuple) -> None:
    for pair in families:
        number = len(pair) == 2 and isinstance(pair[1], (int, float)) and not isinstance(pair[1], bool)
        if not number or not isinstance(pair[0], str) or not (pair[1] >= 0 and math.isfinite(pair[1])):
            raise InvalidArgument(f"families has {list(pair)}, expected a name and a weight of at least 0")
    if not any(weight > 0 for _, weight in families):
        raise InvalidArgument(
            "families gives no family a weight above 0; name at least one, simulated = 1.0 for instance"
        )


def read_table(path: str | Path, changes: Iterable[str] = ()) -> dict:
    """The table of a TOML recipe, named like its file if it has no name; `changes` are lines KEY=VALUE that win.

    A value is TOML, or a text as it stands. InvalidArgument names the file and what is wrong.
    """
    try:
        table = tomllib.loads(Path(path).read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidArgument(f"cannot read the recipe {path}: {error}") from error
    if "families" in table and not isinstance(table["families"], dict):
        raise InvalidArgument(
            f"{path}: families is {table['families']!r}, expected a table [families] of name = weight"
        )
    if "families" in table:
        table["families"] = sorted(table["families"].items())
    return {"name": Path(path).stem, **table, **dict(map(_change, changes))}


def _change(text: str) -> tuple[str, object]:
    key, mark, value = text.partition("=")
    if not mark or not key.strip():
        raise InvalidArgument(f"--set was given {text!r}, expected KEY=VALUE, such as seed=2")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def read_recipe(path: str | Path, changes: Iterable[str] = ()) -> Recipe:
    """Read a TOML recipe, as `read_table` does; InvalidArgument names the file and what is unknown or without meaning."""
    try:
        return recipe_of(read_table(path, changes))
    except InvalidArgument as error:
        raise InvalidArgument(f"{path}: {error}") from error


def recipe_of(table: dict) -> Recipe:
    """The recipe of a table whose lists stand for tuples, as a run's state.json keeps it."""
    known = {f.name for f in fields(Recipe)}
    unknown = sorted(set(table) - known)
    if unknown:
        raise InvalidArgument(f"unknown keys {unknown}; known are {sorted(known)}")
    for name in ("focus", "dev_groups", "families"):
        if name in table and not isinstance(table[name], (list, tuple)):
            raise InvalidArgument(f"{name} is {table[name]!r}, expected a list")
    frozen = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    if "families" in frozen:
        frozen["families"] = tuple(tuple(pair) for pair in frozen["families"])
    return Recipe(**frozen)
