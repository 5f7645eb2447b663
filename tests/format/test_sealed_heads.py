"""Heads whose checksum holds and whose contents no writer makes: corrupt, or of a newer version."""

import struct
import zlib

import pytest

from sarcodec.errors import CorruptFile, NewerVersion
from sarcodec.format import container
from sarcodec.format.bands import BandField
from sarcodec.format.varint import pack_varint


def _sealed(body: bytes) -> bytes:
    """A head whose checksum holds, whatever its body says."""
    head = container.MAGIC + b"\1" + pack_varint(len(body)) + body
    return head + zlib.crc32(head).to_bytes(4, "little")


def _body(
    rows=b"\x01", cols=b"\x01", bands=b"\x01", masks=b"\0", tile=b"\x09", band=b"\0\0\0", name=b"\x01a" + b"12345678" + b"\0",
    records=b"\0", tail=b"\x0a\x03\0\0" + bytes(4) + b"\0", kind=b"\x01",
):  # fmt: skip
    return kind + rows + cols + bands + masks + tile + band + name + records + tail


def test_sealed_head_reads():
    assert container.unpack_head(_sealed(_body()))[0].model_id == "a"


def test_sealed_heads_without_a_model():
    assert container.unpack_head(_sealed(_body(band=b"\x01\xf4\x03", name=b"")))[0].bands[0].bound == 500
    assert container.unpack_head(_sealed(_body(band=b"\x0e", name=b"")))[0].bands[0] == BandField("exact", None)
    for wrong in (
        {"band": b"\x01\xa1\x9c\x01", "name": b""},  # beyond 20 dB
        {"band": b"\x41\0\xf4\x03", "name": b""},  # leans on itself
        {"band": b"\x0d\xf4\x03", "name": b""},  # a bound in dB of a band without a domain
    ):
        with pytest.raises(CorruptFile):
            container.unpack_head(_sealed(_body(**wrong)))


@pytest.mark.parametrize(
    "fields, error",
    [
        ({"rows": b"\0"}, CorruptFile),
        ({"rows": b"\x81\0"}, CorruptFile),
        ({"rows": b"\xff" * 6}, CorruptFile),
        ({"rows": pack_varint((1 << 31) - 1), "cols": pack_varint((1 << 31) - 1)}, CorruptFile),
        ({"bands": pack_varint(65535)}, CorruptFile),
        ({"bands": pack_varint(65536)}, CorruptFile),
        ({"tile": b"\x03"}, CorruptFile),
        ({"tile": b"\x49"}, NewerVersion),
        ({"tile": b"\x19"}, NewerVersion),
        ({"masks": b"\x02"}, CorruptFile),
        ({"band": b"\x80\0\0"}, NewerVersion),
        ({"band": b"\x03\0\0"}, NewerVersion),
        ({"band": b"\x0c\0\0"}, CorruptFile),
        ({"band": b"\x10" + struct.pack("<dd", 1, 0) + b"\0\0"}, CorruptFile),
        ({"band": b"\x10" + struct.pack("<dd", 0, 1) + b"\0\0"}, CorruptFile),
        ({"band": b"\x20\0\0\0"}, CorruptFile),
        ({"name": b"\x01A12345678\0"}, CorruptFile),
        ({"name": b"\xffa12345678\0"}, CorruptFile),
        ({"tail": b""}, CorruptFile),
        ({"tail": b"\x0a\x03\0\0" + bytes(4) + b"\0\0"}, CorruptFile),  # a byte too many
        ({"tail": b"\x0a\x02\0\0" + bytes(4) + b"\0"}, CorruptFile),  # a block without room for its entry
        ({"tail": b"\x03\x03\0\0" + bytes(4) + b"\0"}, CorruptFile),  # blocks of 8
        ({"tail": b"\x11\x03\0\0" + bytes(4) + b"\0"}, CorruptFile),  # blocks of 2^17
        ({"tail": b"\x0a\x03\0" + b"\xff" * 8 + bytes(4) + b"\0"}, CorruptFile),  # a wide varint of 9 bytes
        ({"records": b"\x01\x03\x01x"}, NewerVersion),
        ({"records": b"\x01\x08\x00"}, CorruptFile),  # an empty record
        ({"records": b"\x02\x08\x01x\x08\x01y"}, CorruptFile),
        ({"records": b"\x02\x0a\x01x\x08\x01y"}, CorruptFile),
        ({"records": b"\x41"}, CorruptFile),
        ({"records": b"\x01\x06\x02\x01\x01"}, CorruptFile),  # attachments, cut
        ({"records": b"\x01\x06\x0a\x01\x01/\0\0\0\0\0\0\0"}, CorruptFile),  # a name that leaves its folder
        ({"records": b"\x01\x06\x0a\x01\x01a\0\x01\x01\0\0\0\0"}, CorruptFile),  # no place for its byte
        ({"kind": b"\x08"}, NewerVersion),
        ({"kind": b"\x0b"}, NewerVersion),
        ({"kind": b"\x0c"}, NewerVersion),
    ],
)
def test_sealed_but_senseless_heads(fields, error):
    with pytest.raises(error):
        container.unpack_head(_sealed(_body(**fields)))


@pytest.mark.parametrize("code, name", container.RESERVED_DTYPES.items())
def test_codes_of_complex_pixels_are_reserved(code, name):
    with pytest.raises(NewerVersion, match=f"pixel type {code} \\({name}\\)"):
        container.unpack_head(_sealed(_body(kind=bytes([code]))))


def test_optional_records_of_a_newer_version_are_skipped_and_told():
    header, _ = container.unpack_head(_sealed(_body(records=b"\x02\x02\x01w\x08\x03new")))
    assert header.remarks == b"w" and header.skipped == (8,)
