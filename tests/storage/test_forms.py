"""Names that tell of another form than what is written."""

import pytest

from sarcodec.errors import InvalidArgument
from sarcodec.storage import Output, require_different
from sarcodec.storage.forms import GEOTIFF, HTML, SARCODEC, require_form


@pytest.mark.parametrize("name", ["a.tif", "a.TIFF", "a.gtiff", "a", "S1A.2024", "a.old", "folder.png/a", "-", ".tif"])
def test_names_of_a_geotiff(name):
    require_form(name, GEOTIFF)


@pytest.mark.parametrize(
    "name",
    [
        "a.png",
        "a.JPG",
        "a.jp2",
        "a.nc",
        "a.zarr",
        "a.h5",
        "a.img",
        "a.vrt",
        "a.zip",
        "a.SAFE",
        "a.sarc",
        "a.tif.gz",
        "a.html",
        "a.msk",
        "a.npy",
        "a.pdf",
    ],
)
def test_names_of_something_else(name):
    with pytest.raises(InvalidArgument, match=r"ends in .*would be written.*\.tif"):
        require_form(name, GEOTIFF)


def test_mixed_up_verbs_are_named():
    with pytest.raises(InvalidArgument, match="sarcodec decompress"):
        require_form("back.tif", SARCODEC)
    with pytest.raises(InvalidArgument, match="sarcodec compress"):
        require_form("scene.sarc", GEOTIFF)


def test_a_link_and_what_it_leads_to_are_both_names(tmp_path):
    (tmp_path / "a.png").write_bytes(b"old")
    (tmp_path / "latest").symlink_to("a.png")
    with pytest.raises(InvalidArgument, match=r"a\.png"):
        Output(tmp_path / "latest", overwrite=True, form=GEOTIFF)
    with pytest.raises(InvalidArgument, match=r"a\.png"):
        Output(tmp_path / "a.png", form=HTML)  # the name is said, not that it is there


def test_an_input_is_named_before_its_form(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"old")
    with pytest.raises(InvalidArgument, match="same file as the input"):
        Output(tmp_path / "a.tif", form=SARCODEC, inputs=[tmp_path / "a.tif"])


def test_two_outputs_of_one_name(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "new").symlink_to("none")
    for one, other in (("a", "a"), ("b", f"../{tmp_path.name}/b"), ("a", "link"), ("new", "none")):
        with pytest.raises(InvalidArgument, match="scene and truth would both"):
            require_different(scene=tmp_path / one, truth=tmp_path / other)
    with pytest.raises(InvalidArgument, match="both"):
        require_different(scene="-", truth="-")
    require_different(scene=tmp_path / "a", truth=None, other="-", third=tmp_path / "b")
