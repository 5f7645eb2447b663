"""A small product, and files made of it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import sarcodec
from products.small_safe import make_product


@dataclass(frozen=True)
class Kept:
    """A product, and the file that was made of it."""

    product: Path
    file: Path


@pytest.fixture(scope="session")
def lossless(tmp_path_factory) -> Kept:
    """Bit for bit; needs the extra `bounded`."""
    pytest.importorskip("imagecodecs")
    return kept(tmp_path_factory.mktemp("lossless"), lossless=True)


@pytest.fixture(scope="session")
def lossy(tmp_path_factory) -> Kept:
    """At quality 55."""
    return kept(tmp_path_factory.mktemp("lossy"), quality=55)


def kept(folder: Path, **how) -> Kept:
    """A product and its file in a folder."""
    product = make_product(folder)
    sarcodec.compress(product, folder / "p.sarc", **how)
    return Kept(product, folder / "p.sarc")


@pytest.fixture
def product(tmp_path, lossy) -> Path:
    """A copy that may be spoiled."""
    return Path(shutil.copytree(lossy.product, tmp_path / "in" / lossy.product.name))
