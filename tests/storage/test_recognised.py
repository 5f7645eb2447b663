"""Wrong input is recognised by its bytes, and the answer says what to do."""

import os
import zipfile

import pytest

from sarcodec.errors import InvalidArgument, NotSarcodec, UnreadableScene
from sarcodec.storage.recognised import check_raster_name, compressed_refusal, kind_of_bytes, raster_refusal

REASON = "not recognized as being in a supported file format"


@pytest.mark.parametrize(
    "data, said",
    [
        (b"", "is empty.*fetch it again"),
        (b"\x89SAR\0" + bytes(50), "already a sarcodec file.*sarcodec decompress"),
        (b"II*\0" + bytes(4), "TIFF.*truncated or damaged"),
        (b"MM\0+" + bytes(4), "TIFF.*truncated or damaged"),
        (b"a,b\n1,2\n", "text file"),
        ("Grüße".encode(), "text file"),
        (b"\n <!doctype HTML>\n<html>", "HTML.*error page"),
        (b"\x1f\x8b\x08\0", "gzip archive; unpack it"),
        (bytes(257) + b"ustar\0", "tar archive; unpack it"),
        (b"%PDF-1.7", "PDF"),
        (b"\xfe\xff\0\1", "not known"),
    ],
)
def test_files_that_are_no_raster(tmp_path, data, said):
    path = tmp_path / "in.tif"
    path.write_bytes(data)
    check_raster_name(str(path))
    refusal = raster_refusal(str(path), REASON)
    assert isinstance(refusal, UnreadableScene) and str(path) in str(refusal)
    with pytest.raises(UnreadableScene, match=said):
        raise refusal


@pytest.mark.parametrize(
    "data, said",
    [(b"II*\0more", "TIFF; sarcodec compress"), (b"", "empty.*fetch"), (b"PK\3\4", "zip"), (b"hello", "text.*b'hell'")],
)
def test_files_that_are_no_compressed_file(data, said):
    with pytest.raises(NotSarcodec, match=f"not a sarcodec file.*{said}"):
        raise compressed_refusal(data)


def test_bytes_are_known():
    for data, kind in (
        (b"\x89PNG\r\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"<VRTDataset", "VRT"),
    ):
        assert kind in kind_of_bytes(data)


def a_product(folder, bands=("vv", "vh")):
    measurement = folder / "S1A_IW_GRDH.SAFE" / "measurement"
    measurement.mkdir(parents=True)
    (measurement.parent / "manifest.safe").write_text("<xfdu/>")
    for band in bands:
        (measurement / f"s1a-{band}.tiff").write_bytes(b"II*\0")
    return measurement.parent


def test_a_product_names_its_measurements(tmp_path):
    product = a_product(tmp_path)
    for path, kind in (
        (product, InvalidArgument),
        (tmp_path, InvalidArgument),
        (product / "manifest.safe", UnreadableScene),
    ):
        refusal = raster_refusal(str(path), REASON)
        assert isinstance(refusal, kind)
        for band in ("vv", "vh"):
            assert str(product / "measurement" / f"s1a-{band}.tiff") in str(refusal)
    empty = raster_refusal(str(a_product(tmp_path / "empty", ())), REASON)
    assert "holds no TIFF" in str(empty)


def test_an_archive_names_its_measurements_where_gdal_finds_them(tmp_path):
    product, path = a_product(tmp_path), tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in product.rglob("*"):
            archive.write(file, file.relative_to(tmp_path))
    said = str(raster_refusal(str(path), REASON))
    assert f"/vsizip/{path}/S1A_IW_GRDH.SAFE/measurement/s1a-vh.tiff" in said and "manifest" not in said
    path.write_bytes(path.read_bytes()[:40])
    assert "damaged" in str(raster_refusal(str(path), REASON))


def test_folders(tmp_path):
    assert isinstance(raster_refusal(str(tmp_path), REASON), InvalidArgument)
    for number in range(11):
        (tmp_path / f"{number}.tif").write_bytes(b"")
    assert "0.tif" in str(raster_refusal(str(tmp_path), REASON)) and "and 3 others" in str(
        raster_refusal(str(tmp_path), REASON)
    )


@pytest.mark.skipif(os.name != "posix", reason="pipes and links")
def test_names_that_lead_to_no_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("gone.tif")
    for name, said in (
        (tmp_path / "none.tif", "is not there"), (tmp_path / "link", "link to gone.tif, which is not there"),
        (tmp_path / "fifo", "pipe"), ("/dev/null", "device"), ("a\0b", "NUL"), ("n" * 300, "too long"),
        (os.fsdecode(b"a\xff.tif"), "not UTF-8"),
    ):  # fmt: skip
        with pytest.raises(InvalidArgument, match=said) as refusal:
            check_raster_name(str(name))
        assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    "name",
    ["/vsizip/a.zip/b.tif", "GTIFF_DIR:2:a.tif", 'NETCDF:"a.nc":vv', "https://nowhere.test/a.tif", "<VRTDataset/>"],
)
def test_names_of_gdal_are_left_to_gdal(name):
    check_raster_name(name)
    assert isinstance(raster_refusal(name, "No such file or directory"), InvalidArgument)
    assert isinstance(raster_refusal(name, "no space"), UnreadableScene)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    (tmp_path / "a.tif").chmod(0)
    with pytest.raises(InvalidArgument, match="may not be read"):
        check_raster_name(str(tmp_path / "a.tif"))
