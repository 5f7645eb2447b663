"""A published network as a contender: its settings, its files, and the way back; with a model that needs no torch."""

import io
import json

import numpy as np
import pytest
from study.fake_model import FakeModel, published_as

from sarcodec.errors import InvalidArgument, UnknownModel
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import read_array, write_array
from sarcodec_lab.study.comparing.contenders import CodecModel, Ladder, Network, Setting, contender
from sarcodec_lab.study.files import decode_all

LADDER = Ladder((2.0, 0.5, 1.0), (32, 0, 16))


class Published(FakeModel):  # with the card of a model that was published
    @property
    def card(self):
        return {**super().card, "parameters": 7, "batches": 3, "description": "a transform", "split": "none"}


@pytest.fixture(params=[None, 256], ids=["whole", "tile-bound"])
def network(request, monkeypatch):
    """Network of a fake model, which stands in for `networks.autoencoders.published`."""

    def load(name, folders=()):
        if name != "fake-dct":
            raise UnknownModel(f"no model {name}")
        return Published(tile_px=request.param, kmac_per_px={"encoder": 1.5, "decoder": 2.5})

    published_as(monkeypatch, load)
    return contender("fake-dct", LADDER)


def test_only_tile_bound_networks_try_overlaps(network):
    assert isinstance(network, Network)
    bound = network.facts.tile_px == 256
    overlap = 32 if bound else 0
    assert network.ladder == tuple(Setting(step, overlap) for step in (0.5, 1.0, 2.0))
    assert network.main == Setting(1.0, overlap)
    assert network.trials == ((Setting(1.0, 0), Setting(1.0, 16)) if bound else ())
    facts = network.facts
    assert (facts.parameters, facts.batches, facts.encoder_kmac_per_px, facts.decoder_kmac_per_px) == (7, 3, 1.5, 2.5)


def test_files_are_read_back_by_the_door(network, tmp_path, monkeypatch, capsys):
    dn = (60 * np.sqrt(np.random.default_rng(1).gamma(4.4, 1 / 4.4, (300, 270)))).clip(1).astype(np.uint16)
    write_array(tmp_path / "in.tif", dn[None], SceneInfo(300, 270, 1, "uint16"))
    lines = []
    for setting in network.ladder:
        network.encode(tmp_path / "in.tif", setting, tmp_path / f"{setting.key}.bin")
        lines.append(f"{tmp_path / setting.key}.bin\t{tmp_path / setting.key}.tif\n")
    sizes = [(tmp_path / f"{setting.key}.bin").stat().st_size for setting in network.ladder]
    assert sizes == sorted(sizes, reverse=True)
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(lines)))
    assert decode_all.main(network.decode_command()[3:]) == 0
    answers = capsys.readouterr().out.splitlines()
    assert len(answers) == 3 and all(json.loads(answer)["seconds"] > 0 for answer in answers)
    assert all(read_array(tmp_path / f"{setting.key}.tif")[0].shape == (1, 300, 270) for setting in network.ladder)


def test_the_door_says_whose_fault_it_is(network, tmp_path, monkeypatch, capsys):
    (tmp_path / "x.bin").write_bytes(b"nothing of ours")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{tmp_path / 'x.bin'}\t{tmp_path / 'x.tif'}\n"))
    assert decode_all.main(["network", "fake-dct"]) == 5
    assert capsys.readouterr().err.startswith("sarcodec: ")
    assert decode_all.main(["network", "other"]) == UnknownModel.exit_code


def test_models_of_the_codec_are_known_by_their_id():
    model = contender("lapped32:power", LADDER)
    assert isinstance(model, CodecModel)
    assert (model.name, model.main, model.trials) == ("lapped32:power", None, ())
    assert model.decode_command()[-2:] == ["codec", "power"]
    assert contender("lapped32", LADDER).decode_command()[-1] == "log"
    with pytest.raises(InvalidArgument, match="aim 'speed'"):
        contender("lapped32:speed", LADDER)
