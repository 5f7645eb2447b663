"""Backscatter by the product's look-up tables, beside a slow reading of the annotation."""

from xml.etree import ElementTree

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude, store
from products.small_safe import COLS, ROWS, STEM
from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.products.calibration import read_table

NAMES = {"sigma0": "sigmaNought", "beta0": "betaNought", "gamma0": "gamma"}
PLACES = [(0, 0), (0, COLS - 1), (299, 40), (300, 41), (301, 332), (539, 609), (17, 333), (511, 512), (100, 9)]


def slow(product, band: int, kind: str, row: float, col: float) -> float:
    """A of one pixel: between the two vectors above and below, and in each between the two points left and right."""
    stem = STEM.format(("vv", "vh")[band], band + 1)
    tree = ElementTree.parse(product / f"annotation/calibration/calibration-{stem}.xml")
    lines, found = [], []
    for vector in tree.iter("calibrationVector"):
        places = [int(word) for word in vector.findtext("pixel").split()]
        values = [float(word) for word in vector.findtext(NAMES[kind]).split()]
        right = min(i for i, place in enumerate(places) if place >= col and i)
        share = (col - places[right - 1]) / (places[right] - places[right - 1])
        lines.append(int(vector.findtext("line")))
        found.append(values[right - 1] + share * (values[right] - values[right - 1]))
    below = min(i for i, line in enumerate(lines) if line >= row and i)
    share = (row - lines[below - 1]) / (lines[below] - lines[below - 1])
    return found[below - 1] + share * (found[below] - found[below - 1])


@pytest.mark.parametrize("kind", NAMES)
def test_pixels_are_power_by_the_table(lossy, kind):
    with sarcodec.open(lossy.file) as scene:
        digits, found = scene.read(), scene.read(calibrate=kind)
    assert found.dtype == np.float32 and found.shape == (2, ROWS, COLS)
    for band in (0, 1):
        for row, col in PLACES:
            expected = (digits[band, row, col] / slow(lossy.product, band, kind, row, col)) ** 2
            assert found[band, row, col] == pytest.approx(expected, rel=1e-6, abs=0)


def test_windows_and_bands_are_those_of_the_whole(lossy):
    with sarcodec.open(lossy.file) as scene:
        whole = scene.read(calibrate="sigma0")
        window = ((290, 310), (500, 530))
        assert np.array_equal(scene.read(2, window=window, calibrate="sigma0"), whole[1, 290:310, 500:530])
        assert np.array_equal(scene.read([2, 1], window=window, calibrate="sigma0"), whole[::-1, 290:310, 500:530])
        assert np.array_equal(scene.read(1, window=((3, 4), (5, 6)), calibrate="sigma0"), whole[0, 3:4, 5:6])
        out = np.empty((20, 30), np.float64)
        assert scene.read(1, window=window, calibrate="sigma0", out=out) is out
        assert np.array_equal(out, whole[0, 290:310, 500:530].astype(np.float64))


def test_reduced_pixels_take_the_table_in_their_middle(lossy):
    with sarcodec.open(lossy.file) as scene:
        digits, found = scene.read(1, reduce=16), scene.read(1, reduce=16, calibrate="sigma0")
        part = scene.read(1, reduce=16, calibrate="sigma0", window=((320, 400), (160, 200)))
    expected = digits[20, 10].astype(float) / slow(lossy.product, 0, "sigma0", 20 * 16 + 7.5, 10 * 16 + 7.5)
    assert found[20, 10] == pytest.approx(expected**2, rel=1e-6)
    assert np.array_equal(part, found[20:25, 10:13])


def test_what_is_declared_invalid_is_no_backscatter(tmp_path, lossy):
    from products.test_round_trip import cog_product

    pytest.importorskip("imagecodecs")
    sarcodec.compress(cog_product(tmp_path), tmp_path / "p.sarc", lossless=True)
    with sarcodec.open(tmp_path / "p.sarc") as scene:
        found, masked = scene.read(1, calibrate="gamma0"), scene.read(1, calibrate="gamma0", masked=True)
    assert np.isnan(found[:, :9]).all() and np.isfinite(found[:, 9:]).all()
    assert masked.mask[:, :9].all() and not masked.mask[:, 9:].any() and masked.mean() > 0


def test_what_cannot_be_calibrated_is_refused(lossy, tmp_path):
    with sarcodec.open(lossy.file) as scene:
        with pytest.raises(InvalidArgument, match="expected one of sigma0, beta0, gamma0"):
            scene.read(1, calibrate="sigma")
        with pytest.raises(InvalidArgument, match="holds float32"):
            scene.read(1, calibrate="sigma0", out=np.empty((ROWS, COLS), np.uint16))
    store(tmp_path / "a.tif", amplitude(1, 40, 40))
    sarcodec.compress(tmp_path / "a.tif", tmp_path / "a.sarc")
    with (
        sarcodec.open(tmp_path / "a.sarc") as scene,
        pytest.raises(InvalidArgument, match="holds a scene and no product"),
    ):
        scene.read(1, calibrate="sigma0")


def test_a_product_without_tables_is_refused(lossy, tmp_path):
    import shutil

    product = tmp_path / lossy.product.name
    shutil.copytree(lossy.product, product)
    shutil.rmtree(product / "annotation/calibration")
    sarcodec.compress(product, tmp_path / "p.sarc", as_is=True)
    with sarcodec.open(tmp_path / "p.sarc") as scene, pytest.raises(InvalidArgument, match="no calibration annotation"):
        scene.read(1, calibrate="sigma0")


VECTOR = "<calibrationVector><line>{}</line><pixel>{}</pixel><sigmaNought>{}</sigmaNought></calibrationVector>"


@pytest.mark.parametrize(
    "vectors",
    [
        [],
        [(0, "0 1", "3")],
        [(0, "0 1", "3 0")],
        [(0, "1 1", "3 3")],
        [(5, "0 1", "3 3"), (5, "0 1", "3 3")],
        [(0, "0 a", "3 3")],
        [("", "0", "3")],
    ],
)
def test_tables_that_make_no_sense_are_damage(vectors):
    text = "".join(VECTOR.format(*vector) for vector in vectors)
    with pytest.raises(CorruptFile, match="no table sigmaNought"):
        read_table(f"<c><calibrationVectorList>{text}</calibrationVectorList></c>".encode(), "sigma0", "x.xml")


@pytest.mark.parametrize("root", ["c", "s:c xmlns:s='urn:s'", "c xmlns='urn:s'"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_tables_are_read_by_the_rules_of_xml(root, encoding):
    inner = f"<calibrationVectorList>{VECTOR.format(7, '2 4', '3 5')}</calibrationVectorList>"
    if root.startswith("s:"):
        inner = inner.replace("</", "\0").replace("<", "<s:").replace("\0", "</s:")
    text = f"<?xml version='1.0' encoding='{encoding}'?><{root}>{inner}</{root.split()[0]}>"
    assert read_table(text.encode(encoding), "sigma0", "x").values[0].tolist() == [3, 5]
    laughs = text.replace("?>", "?><!DOCTYPE c [<!ENTITY a '3'>]>").replace(">3 5<", ">&a; 5<")
    with pytest.raises(CorruptFile, match="no table sigmaNought.*defines words of its own"):
        read_table(laughs.encode(encoding), "sigma0", "x")


def test_a_single_vector_holds_everywhere_and_edges_beyond_the_ends():
    table = read_table(
        f"<c><calibrationVectorList>{VECTOR.format(7, '2 4', '3 5')}</calibrationVectorList></c>".encode(),
        "sigma0",
        "x",
    )
    assert table.at(np.array([0.0, 9.0]), np.array([0.0, 2, 3, 9])).tolist() == [[3, 3, 4, 5]] * 2
