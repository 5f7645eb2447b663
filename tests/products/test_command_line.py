"""Products on the command line: the same verbs, as a user calls them."""

import json

import pytest

import sarcodec
from api.scenes import amplitude, store
from cli.shell import invoke
from products.spoiled import vv


class TestCommandLine:
    """The same verbs, as a user calls them."""

    def test_round_trip(self, lossy, tmp_path):
        done = invoke("compress", lossy.product, tmp_path / "p.sarc", "--quality", 55)
        assert done.code == 0 and done.stderr == ""
        assert (tmp_path / "p.sarc").read_bytes() == lossy.file.read_bytes()
        done = invoke("info", tmp_path / "p.sarc")
        assert f"product: {lossy.product.name} (S1A, mode IW, GRD, VV and VH)" in done.stdout
        assert "15 attachments" in done.stdout
        said = json.loads(invoke("info", tmp_path / "p.sarc", "--json").stdout)["product"]
        assert said["mode"] == "IW" and [m["polarisation"] for m in said["measurements"]] == ["VV", "VH"]
        done = invoke("decompress", tmp_path / "p.sarc", tmp_path)
        assert done.code == 0 and len(list(tmp_path.glob("S1A*.SAFE/manifest.safe"))) == 1

    @pytest.mark.parametrize("target, code", [("a.SAFE", 2), ("a.zip", 2)])
    def test_refusals_have_their_codes(self, tmp_path, target, code):
        store(tmp_path / "a.tif", amplitude(1, 40, 40))
        sarcodec.compress(tmp_path / "a.tif", tmp_path / "a.sarc")
        done = invoke("decompress", tmp_path / "a.sarc", tmp_path / target)
        assert done.code == code and done.stderr.startswith("sarcodec: ") and done.stderr.count("\n") == 1

    def test_a_product_that_is_not_whole(self, product):
        vv(product).unlink()
        done = invoke("compress", product, product.parent / "p.sarc")
        assert done.code == 3 and "--as-is" in done.stderr and done.stderr.count("\n") == 1
        done = invoke("compress", product, product.parent / "p.sarc", "--as-is")
        assert done.code == 0 and "note: Files that the manifest lists were missing" in done.stderr
