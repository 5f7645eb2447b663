"""What is no product that can be given back is refused in a sentence that says what to do, and nothing is left behind."""

import os
import re
import shutil
from pathlib import Path

import pytest

import sarcodec
from products.small_safe import Odd, make_product
from products.spoiled import refused, spoil, vv
from sarcodec.errors import (
    InvalidArgument,
    OutputExists,
    UnreadableScene,
    UnsupportedScene,
)


@pytest.mark.parametrize(
    "kind, words",
    [
        ("SLC", "type SLC, whose pixels are complex.*Fetch the GRD"),
        ("OCN", "type OCN; expected GRD.*measurement/s1a-iw-grd-vv"),
    ],
)
def test_other_types(tmp_path, kind, words):
    refused(make_product(tmp_path, Odd(product_type=kind)), UnsupportedScene, words)


def test_another_mission(product):
    spoil(product, "SENTINEL-1<", "SENTINEL-2<")
    refused(product, UnsupportedScene, "a product of SENTINEL-2; expected one of Sentinel-1")


def test_measurements_of_different_size(tmp_path):
    product = make_product(tmp_path, Odd(shape_vh=(200, 300)))
    refused(product, UnsupportedScene, r"VV has 540 x 610 pixels of uint16, VH 200 x 300.*one at a time")


def test_a_missing_measurement(product):
    vv(product).unlink()
    refused(
        product,
        UnreadableScene,
        r"missing \(measurement/s1a-iw-grd-vv-.*fetch it again, or take it as it is \(--as-is\)",
    )
    sarcodec.compress(product, product.parent / "half.sarc", as_is=True)
    assert sarcodec.info(product.parent / "half.sarc").product.polarisations == ("VH",)


def test_no_measurement_at_all(product):
    shutil.rmtree(product / "measurement")
    refused(product, UnsupportedScene, "holds none of the 2 measurements.*Fetch the product again", as_is=True)


@pytest.mark.parametrize("path", ["annotation/calibration/noise*vh*", "measurement/*vv*"])
def test_a_damaged_file(product, path):
    file = next(product.glob(path))
    data = bytearray(file.read_bytes())
    data[-len(data) // 3] ^= 1
    file.write_bytes(data)
    refused(product, UnreadableScene, f"not those of its checksums \\({file.relative_to(product)}\\); fetch it again")
    report = sarcodec.compress(product, product.parent / "so.sarc", as_is=True)
    assert f"whose checksum is not the manifest's: {file.relative_to(product)}." in " ".join(report.notes)
    back = sarcodec.decompress(product.parent / "so.sarc", product.parent / "so.SAFE")
    assert (Path(back.path) / "annotation").is_dir()


def test_a_manifest_that_is_no_xml(product):
    (product / "manifest.safe").write_text("<xfdu")
    refused(product, UnsupportedScene, "no sound XML.*fetch the product again")


def test_a_manifest_that_defines_words(product):
    spoil(product, '<?xml version="1.0" encoding="UTF-8"?>', '<!DOCTYPE a [<!ENTITY b "c">]>')
    refused(product, UnsupportedScene, "defines words of its own")


def test_a_manifest_that_names_files_elsewhere(product):
    spoil(product, "./preview/quick-look.png", "../../etc/passwd")
    refused(product, UnsupportedScene, "names '../../etc/passwd', which lies outside the product")


def test_a_manifest_without_processing(product):
    spoil(product, '"processing"', '"something"')
    refused(product, UnsupportedScene, "says nothing of the processing of S1A.*one at a time")


def test_links_to_folders(product):
    os.rename(product / "preview", product.parent / "elsewhere")
    os.symlink(product.parent / "elsewhere", product / "preview")
    refused(product, InvalidArgument, "is a link to a folder.*cp -rL")


@pytest.mark.parametrize("folder", ["support", "measurement"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_pipes_and_devices_in_a_product_are_not_read(product, folder, make):
    make(product / folder / "odd")
    refused(product, UnsupportedScene, "odd is a pipe, a socket or a device.*out of the product")


def test_a_measurement_that_is_listed_twice_is_one_band(product):
    text = (product / "manifest.safe").read_text()
    block = re.search(r"<dataObject [^>]*s1Level1MeasurementSchema.*?</dataObject>\n", text, re.DOTALL)[0]
    spoil(product, "</dataObjectSection>", f"{block}</dataObjectSection>")
    sarcodec.compress(product, product.parent / "p.sarc")
    assert sarcodec.info(product.parent / "p.sarc").product.polarisations == ("VV", "VH")


def test_an_output_that_is_there_is_said_before_the_work(product):
    (product.parent / "out.sarc").write_bytes(b"old")
    spoil(product, "SENTINEL-1<", "SENTINEL-2<")  # would be found later
    with pytest.raises(OutputExists):
        sarcodec.compress(product, product.parent / "out.sarc")
