"""A training recipe: what a TOML file says, checked. Knows no tensor."""
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from sarcodec.errors import InvalidArgument


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run of the DCT codec."""

    name: str
    steps: int = 4000
    batch: int = 8
    patch_px: int = 256
    learning_rate: float = 5e-4
    linear_factor: float = 0.1
    final_learning_rate: float = 1e-5
    warmup_steps: int = 100
    clip_norm: float = 1.0
    ema: float = 0.998
    seed: int = 1
    rate_constant: float = 7.5
    focus: tuple[int, int] = (230, 470)
    focus_share: float = 0.75
    families: tuple[tuple[str, float], ...] = (("iw", 0.6), ("slc", 0.08), ("ew", 0.08), ("8bit", 0.08), ("native", 0.16))
    dev_groups: tuple[str, ...] = ()
    dev_every: int = 500
    checkpoint_every: int = 250
    patience: int = 0
    start_from: str = ""
    compile: bool = False


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe; InvalidArgument names what is unknown or missing."""
    try:
        table = tomllib.loads(Path(path).read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidArgument(f"cannot read the recipe {path}: {error}") from error
    known = {f.name: f for f in fields(Recipe)}
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise InvalidArgument(f"{path} has unknown keys {unknown}; known are {sorted(known)}")
    if "families" in table:
        table["families"] = tuple(sorted(table["families"].items()))
    for key in ("focus", "dev_groups"):
        if key in table:
            table[key] = tuple(table[key])
    return Recipe(**{"name": Path(path).stem, **table})
