import json
import shutil

import numpy as np
import pytest
import torch

import sarcodec
from sarcodec.errors import InvalidArgument, ModelError, OutputExists
from sarcodec.models import published
from sarcodec.models.hyper_analysis import HyperAnalysis
from sarcodec.raster.geotiff import read_array
from sarcodec.simulate.product import simulate
from sarcodec_lab.train import freeze as freezing
from sarcodec_lab.train.freeze import freeze, hyper_arrays, load_network, trained_on
from sarcodec_lab.train.recipe import Recipe


@pytest.fixture
def installed(models, monkeypatch):
    """The frozen quick run among the models."""
    monkeypatch.setenv("SARCODEC_MODELS", str(models))
    return models


def test_it_is_a_model_like_any_other(installed, run):
    model = published.load("quick")
    card = json.loads((installed / "quick" / "card.json").read_text())
    assert model.prior.errors.any()
    assert card["known_answer"] == published.known_answer(model.prior) and card["digest"] == model.digest.hex()
    assert card["trained_on"] == "simulated scenes alone" and card["recipe"] == "quick"
    assert card["training_steps"] == json.loads((run / "state.json").read_text())["best_step"]
    assert {p.name for p in (installed / "quick").iterdir()} == {*published.FILES, published.CARD}
    assert sum(p.stat().st_size for p in (installed / "quick").iterdir()) < 20e6


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_scene_goes_through_it_and_back(installed, tmp_path):
    scene, packed, back = (tmp_path / name for name in ("a.tif", "a.sarc", "b.tif"))
    simulate(scene, 150, 200, seed=5, nodata_border=True)
    report = sarcodec.compress(scene, packed, quality=50, model="quick", threads=1)
    sarcodec.decompress(packed, back, threads=1)
    (before, _), (after, _) = read_array(scene), read_array(back)
    assert report.model == "quick" and report.bits_per_pixel < 2.5
    assert np.array_equal(before == 0, after == 0) and (before == 0).any()
    valid = before > 0
    error = 20 * np.log10(after[valid] / before[valid].astype(float))
    assert 0.4 < np.sqrt(np.mean(error**2)) / (2 / 12**0.5) < 1.25  # quality 50 is a step of 2 dB


def test_a_changed_file_is_seen(models, tmp_path, monkeypatch):
    shutil.copytree(models / "quick", tmp_path / "quick")
    path = tmp_path / "quick" / "transform.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    monkeypatch.setenv("SARCODEC_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="digest"):
        published.load("quick")


def test_freezing_again_gives_the_same_bytes(run, models, images, tmp_path, monkeypatch):
    monkeypatch.setattr(freezing, "FITTING_BATCHES", (2, 4))
    (tmp_path / "quick").mkdir()
    (tmp_path / "quick" / "prior.npz").write_text("an older model")
    with pytest.raises(OutputExists, match="quick"):
        freeze(run, "quick", images, tmp_path)
    again = freeze(run, "quick", images, tmp_path, lambda line: None, overwrite=True)
    for name in (*published.FILES, published.CARD):
        assert (again / name).read_bytes() == (models / "quick" / name).read_bytes(), name
    assert [p.name for p in tmp_path.iterdir()] == ["quick"]


def test_a_run_and_other_files_are_not_replaced_by_a_model(run, images, tmp_path):
    with pytest.raises(InvalidArgument, match="same folder as the input"):
        freeze(run, run.name, images, run.parent, overwrite=True)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "thesis.txt").write_text("mine")
    with pytest.raises(InvalidArgument, match="thesis.txt"):
        freeze(run, "x", images, tmp_path, overwrite=True)
    assert (run / "best.safetensors").exists() and (tmp_path / "x" / "thesis.txt").exists()


def test_what_cannot_be_frozen_is_said(run, images, tmp_path):
    with pytest.raises(InvalidArgument, match="best.safetensors"):
        freeze(tmp_path, "x", images, tmp_path)
    with pytest.raises(InvalidArgument, match="id is"):
        freeze(run, "../x", images, tmp_path)
    (tmp_path / "best.safetensors").write_bytes((run / "best.safetensors").read_bytes())
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(InvalidArgument, match="cannot be read"):
        load_network(tmp_path)


def test_the_card_names_copernicus_data_wherever_there_is_some():
    real = trained_on(Recipe("x", families=(("iw", 1.0), ("simulated", 1.0))))
    assert "Copernicus" in real and "simulated scenes" in real and "speckle" not in real
    assert "Copernicus" in trained_on(Recipe("x", families=(("native", 1.0),)))


@torch.no_grad()
def test_the_hyper_analysis_equals_the_torch_network(run):
    network, features = load_network(run)[0], torch.randn(1, 1041, 4, 6)
    found = HyperAnalysis.of(hyper_arrays(network.hyper_analysis))(features[0].permute(1, 2, 0).numpy())
    expected = network.hyper_analysis.layers(features)[0].permute(1, 2, 0)
    assert found.shape == tuple(expected.shape)
    assert float(np.abs(found - expected.numpy()).max() / expected.abs().max()) < 1e-3


def test_the_transform_is_the_network_s(installed, run):
    model, network = published.load("quick"), load_network(run)[0]
    assert np.array_equal(model.transform.rotation, network.transform.rotation.numpy())
    assert np.abs(model.transform.rotation - np.eye(32)).max() > 0.05  # it was fitted
