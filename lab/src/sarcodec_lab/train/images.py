"""The images that a recipe asks for, made up ones included, and whether they hold what it names."""

from collections.abc import Callable
from pathlib import Path

from sarcodec.errors import InvalidArgument
from sarcodec_lab.train.native import native_images, simulated_images
from sarcodec_lab.train.patches import Image, read_images
from sarcodec_lab.train.recipe import Recipe

Report = Callable[[str], None]
_MADE_UP = frozenset(("native", "simulated"))


def training_images(recipe: Recipe, data: str | Path | None, folder: Path, report: Report) -> list[Image]:
    """All images of the families that a recipe gives weight to, development groups included; caches in `folder`."""
    images = []
    if data is not None and recipe.weighted != {"simulated"}:
        images += read_images(Path(data), report=report)
    if images and "native" in recipe.weighted:
        images += native_images(images, recipe, folder / "native", report)
    if "simulated" in recipe.weighted:
        images += simulated_images(recipe)
    return images


def check_against(recipe: Recipe, images: list[Image]) -> None:
    """InvalidArgument when a recipe names families or development groups that the images do not have."""
    families = {i.family for i in images}
    unknown = sorted(recipe.weighted - families - _MADE_UP)
    if unknown:
        raise InvalidArgument(
            f"families names {unknown}, which the data has not; known are {sorted(families | _MADE_UP)}"
        )
    groups = {i.group for i in images if i.family != "native"}
    unknown = sorted(set(recipe.dev_groups) - groups)
    if unknown:
        raise InvalidArgument(f"dev_groups names {unknown}, which the data has not; known are {sorted(groups)}")
