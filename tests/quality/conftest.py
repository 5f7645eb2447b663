"""Where the measured data lie: SARCODEC_DATA, or ../shared/data beside the checkout; tests skip without them."""

import os
from pathlib import Path

import pytest

_DATA = Path(os.environ.get("SARCODEC_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


@pytest.fixture
def val_folder() -> Path:
    """The validation images."""
    if not (_DATA / "val").is_dir():
        pytest.skip(f"no validation images in {_DATA / 'val'} (SARCODEC_DATA)")
    return _DATA / "val"


@pytest.fixture
def peers_folder() -> Path:
    """The curves of other codecs and the function that judged them."""
    folder = _DATA.parent / "peers"
    if not (folder / "val.json").is_file():
        pytest.skip(f"no curves of other codecs in {folder}")
    return folder
