"""Other codecs: round trip, and the measured points of validation images reproduced."""

import json
import warnings

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument
from sarcodec_lab.figures.peers import AVIF, HTJ2K, JPEG_2000, JPEG_XL

pytest.importorskip("imagecodecs", reason="imagecodecs (extra bench) is not installed")


@pytest.mark.parametrize(
    "peer, fine, coarse",
    [(JPEG_2000, 60, 40), (HTJ2K, 0.002, 0.02), (JPEG_XL, 0.3, 3), (AVIF, 75, 30)],
    ids=["j2k", "htj2k", "jxl", "avif"],
)
def test_finer_settings_cost_more_and_err_less(peer, fine, coarse):
    level = 50 + 10 * np.log10(np.random.default_rng(1).gamma(4.4, 1 / 4.4, (128, 160))).astype(np.float32)
    streams = [peer.encode(level, setting, 1) for setting in (fine, coarse)]
    errors = [np.sqrt(np.mean((peer.decode(stream, 1) - level) ** 2)) for stream in streams]
    assert len(streams[0]) > 1.5 * len(streams[1])
    assert errors[0] < 0.5 * errors[1] < 1.5
    assert peer.decode(streams[0], 1).dtype == np.float32


@pytest.mark.parametrize("peer", [JPEG_2000, HTJ2K, JPEG_XL, AVIF], ids=["j2k", "htj2k", "jxl", "avif"])
def test_levels_that_are_not_finite_are_refused(peer):
    with pytest.raises(InvalidArgument, match="finite"):
        peer.encode(np.full((32, 32), np.nan), 1.0, 1)


@pytest.mark.parametrize("name", ["iw_berlin_b1", "iw_ibm-s1rtc-637u-59r-1-3_b2"])
@pytest.mark.parametrize("peer", [JPEG_2000, JPEG_XL], ids=["j2k", "jxl"])
def test_measured_points_are_reproduced(peer, name, val_folder, peers_folder):
    rasterio = pytest.importorskip("rasterio")
    stem, band = name.removeprefix("iw_").rsplit("_b", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(val_folder / "iw" / f"{stem}.tif") as source:
            level = 20 * np.log10(np.maximum(source.read(int(band)), 1).astype(np.float32))
    points = json.loads((peers_folder / "val.json").read_text())[f"{name}.npy"][peer.name]
    for point in points:
        if not 0.1 < point["mse"] < 3:
            continue
        stream = peer.encode(level, point["p"], 1)
        # Other releases of the libraries may spend a few bytes otherwise.
        assert 8 * len(stream) / level.size == pytest.approx(point["bpp"], rel=5e-3)
        assert np.mean((peer.decode(stream, 1) - level) ** 2) == pytest.approx(point["mse"], rel=5e-3)
