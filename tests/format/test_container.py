import dataclasses
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcodec.errors import CorruptFile, InvalidArgument, NewerVersion, NotSarcodec, OlderVersion, TruncatedFile
from sarcodec.format import container
from sarcodec.format import sections as sections_of
from sarcodec.format.attachments import Attachment
from sarcodec.format.bands import KINDS, BandField
from sarcodec.format.container import Header
from sarcodec.format.index import Entry, Part, pack_index, unpack_block
from sarcodec.format.measure import DOMAINS
from sarcodec.format.sections import Payload, Section
from sarcodec.format.varint import Cursor, fold, pack_varint, unfold

LEARNED = (BandField(offset_q=-1600), BandField(domain="power", offset_q=5, reference=0))
HEADER = Header(600, 1000, "uint16", 9, "dct16-0", b"12345678", 320, LEARNED, b"meta", 0, b"because")


def entry(base: int, rest: int, step: int, crcs: tuple[int, int] = (1, 2)) -> Entry:
    return Entry(*(Part(0, length, crc if length else 0) for length, crc in zip((base, rest), crcs)), step)


ENTRIES = [entry(10 * i, 100 * i, 300 + i, (i << 24, 7)) for i in range(8)]


def packed(header: Header, entries: list[Entry], attached: int = 0) -> bytes:
    """Head and index."""
    directory, index = pack_index(entries, header.base_step, attached)
    return container.pack_head(header, directory) + index


def unpacked(data: bytes) -> tuple[Header, list[Entry]]:
    """The way back."""
    header, directory = container.unpack_head(data)
    entries: list[Entry] = []
    for number, place in enumerate(directory.places(container.head_length(data[:10]))):
        block, size = data[place.offset : place.offset + place.block.length], 1 << directory.block_log2
        count = min(size, header.entry_count - number * size)
        entries += unpack_block(block, place, number, count, header.base_step, header.most_step)
    return header, entries


PROMISED = (BandField("bounded", "db", 0.01, -50.0, (0.0,), bound=500), BandField("exact", None))
BOUNDED = Header(600, 1000, "uint16", 9, "", b"", 0, PROMISED, b"meta")
MIXED = Header(600, 1000, "float64", 9, "m", b"12345678", 320, (*LEARNED, *PROMISED), b"meta", 4)


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def bands(draw, number, leaders):
    kind = draw(st.sampled_from(KINDS))
    if kind == "exact":
        return BandField("exact", None)
    affine = draw(st.just((1.0, 0.0)) | st.tuples(st.floats(1e-6, 1e6), st.floats(-1e6, 1e6)))
    fills = tuple(draw(st.lists(NUMBERS, max_size=3)))
    domain = draw(st.sampled_from(DOMAINS))
    if kind == "bounded":
        return BandField(kind, domain, *affine, fills, bound=draw(st.integers(0, 20_000)))
    reference = draw(st.none() | st.sampled_from(leaders)) if leaders else None
    leaders += [number] if reference is None else []  # a band leans on one that does not lean itself
    return BandField(kind, domain, *affine, fills, draw(st.integers(-32768, 32767)), reference)


@st.composite
def headers(draw):
    log2, count, leaders = draw(st.integers(4, 12)), draw(st.integers(1, 4)), []
    side = st.integers(1, 3 << log2)
    fields = tuple(draw(bands(number, leaders)) for number in range(count))
    model = ("", b"", 0)
    if any(field.learned for field in fields):
        name = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
        model = draw(st.tuples(name, st.binary(min_size=8, max_size=8), st.integers(0, 639)))
    blobs = draw(st.binary(max_size=200)), draw(st.sampled_from([0, 1, count])), draw(st.binary(max_size=20))
    records = (
        draw(st.binary(max_size=30)),
        tuple(Attachment(f"a/{n}", n % 3, draw(st.integers(0, 1 << 50)), 7, n) for n in range(draw(st.integers(0, 3)))),
    )
    return Header(
        draw(side), draw(side), draw(st.sampled_from(container.DTYPES)), log2, *model, fields, *blobs, *records
    )


@settings(max_examples=100, deadline=None)
@given(headers(), st.randoms())
def test_head_round_trip(header, random):
    steps = 640 if header.learned else 1
    given_entries = [
        entry(
            *(random.getrandbits(random.randrange(32)) for _ in range(2)),
            random.randrange(steps),
            (random.getrandbits(32), 5),
        )
        for _ in range(header.entry_count)
    ]
    data = packed(header, given_entries, 1000)
    again, entries = unpacked(data + b"payloads")
    assert again == header
    assert [entry(e.base.length, e.rest.length, e.step, (e.base.crc, e.rest.crc)) for e in entries] == given_entries
    base, rest = len(data), len(data) + sum(e.base.length for e in given_entries)
    for found in entries:
        assert (found.base.offset, found.rest.offset) == (base, rest)
        base, rest = base + found.base.length, rest + found.rest.length


def test_head_of_a_tiny_scene_is_small():
    header = dataclasses.replace(HEADER, rows=64, cols=64, bands=(BandField(offset_q=3),), metadata=b"", remarks=b"")
    assert len(packed(header, [entry(150, 1650, 330)])) == 62


def test_a_bound_takes_the_place_of_the_model():
    field = BandField("bounded", bound=127)
    header = dataclasses.replace(BOUNDED, rows=64, cols=64, bands=(field,), metadata=b"")
    assert len(packed(header, [entry(0, 1800, 0)])) == 62 - (1 + 7 + 8 + 2 + 2) + 1 - 6
    assert (header.learned, field.max_error_db) == (False, 0.127)
    assert (HEADER.learned, HEADER.bands[0].max_error_db) == (True, None)
    assert BandField("bounded", bound=0).max_error_db == 0 == BandField("exact", None).max_error_db


def test_planes_are_bands_and_masks():
    assert (HEADER.planes, MIXED.planes, HEADER.entry_count, MIXED.entry_count) == (2, 8, 8, 32)


@pytest.mark.parametrize(
    "change",
    [
        {"model_id": "a"},
        {"model_digest": b"12345678"},
        {"base_step": 1},
        {"masks": 3},
        {"bands": (BandField("bounded"),)},
        {"bands": (BandField("bounded", bound=-1),)},
        {"bands": (BandField("bounded", bound=20_001),)},
        {"bands": (BandField("bounded", None, bound=1),)},
        {"bands": (BandField("bounded", offset_q=1, bound=1),)},
        {"bands": (BandField("bounded", bound=1), BandField("bounded", bound=1, reference=0))},
        {"bands": (BandField("bounded", scale=0.0, bound=1),)},
        {"bands": (BandField("bounded", scale=-1.0, bound=1),)},
        {"bands": (BandField("bounded", fills=(float("nan"),), bound=1),)},
        {"bands": (BandField("bounded", scale=float("nan"), bound=1),)},
        {"bands": (BandField("bounded", offset=float("inf"), bound=1),)},
        {"bands": (BandField("bounded", fills=(1.0,) * 16, bound=1),)},
        {"bands": (BandField("exact", None, bound=1),)},
        {"bands": (BandField("jpeg", None),)},
    ],
)
def test_senseless_heads_without_a_model_are_refused(change):
    with pytest.raises(InvalidArgument):
        dataclasses.replace(BOUNDED, **change)


@pytest.mark.parametrize("header, step", [(HEADER, 300), (BOUNDED, 0), (MIXED, 320)])
def test_every_truncation_and_every_flipped_bit_of_the_head(header, step):
    entries = [entry(10 * i, 100 * i, step) for i in range(header.entry_count)]
    data = container.pack_head(header, pack_index(entries, header.base_step)[0])
    for cut in range(1, len(data)):
        with pytest.raises(TruncatedFile):
            container.unpack_head(data[:cut])
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        expected = NotSarcodec if bit < 32 else OlderVersion if bit == 32 else NewerVersion if bit < 40 else CorruptFile
        with pytest.raises(expected):
            container.unpack_head(bytes(damaged))


@pytest.mark.parametrize(
    "data, words", [(b"", "empty"), (b"II*\0more", "TIFF"), (b"\x89PNG\r\n", "PNG"), (b"abcdef", "abcd")]
)
def test_other_files_are_named(data, words):
    with pytest.raises(NotSarcodec, match=words):
        container.unpack_head(data)


@pytest.mark.parametrize(
    "change",
    [
        {"rows": 0},
        {"cols": 1 << 31},
        {"dtype": "complex64"},
        {"bands": (BandField(domain="phase"),)},
        {"bands": (BandField(domain=None),)},
        {"tile_log2": 3},
        {"tile_log2": 13},
        {"model_id": ""},
        {"model_id": "A"},
        {"model_id": "a" * 65},
        {"model_digest": b"1234567"},
        {"base_step": 640},
        {"base_step": -1},
        {"bands": ()},
        {"bands": (BandField(offset_q=1 << 15),)},
        {"bands": (BandField(reference=0),)},
        {"bands": (BandField("exact", None), BandField(reference=0))},
        {"bands": (BandField(), BandField(reference=0), BandField(reference=1))},
    ],
)
def test_senseless_heads_are_refused(change):
    with pytest.raises(InvalidArgument):
        dataclasses.replace(HEADER, **change)


def test_wrong_entries_are_refused():
    for wrong in (entry(1, 1, 640), entry(1, 1, -1), entry(1 << 32, 1, 0), entry(1, 1 << 32, 0)):
        with pytest.raises(InvalidArgument):
            pack_index([*ENTRIES[:-1], wrong], 320)


def test_a_block_that_is_not_what_the_head_says_is_corrupt():
    directory, index = pack_index(ENTRIES, 320)
    place = directory.places(0)[0]
    assert len(unpack_block(index, place, 0, 8, 320, 639)) == 8
    for data, count, step in (
        (index + b"\0", 8, 320),
        (index[:-1], 8, 320),
        (index, 7, 320),
        (index, 9, 320),
    ):
        block = dataclasses.replace(place.block, crc=zlib.crc32(data))
        with pytest.raises(CorruptFile):
            unpack_block(data, dataclasses.replace(place, block=block), 0, count, step, 639)
    for change in ({"base_bytes": 1}, {"rest_bytes": 1}, {"crc": 1}):
        block = dataclasses.replace(place.block, **change)
        with pytest.raises(CorruptFile):
            unpack_block(index, dataclasses.replace(place, block=block), 0, 8, 320, 639)


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


def unpacked_tile(payload: Payload, kind: str = "learned") -> list[Section]:
    return [
        s
        for base, data in ((True, payload.base), (False, payload.rest))
        for s in sections_of.unpack_payload(data, base, kind)
    ]


SECTIONS = st.dictionaries(st.sampled_from([1, 8, 10, 13, 64, 65, 66]), st.binary(max_size=300)).map(
    lambda found: [Section(kind, contents) for kind, contents in found.items()]
)


@given(SECTIONS)
def test_tile_round_trip(sections):
    def order(section):
        return section.kind not in sections_of.IN_BASE, section.kind

    assert unpacked_tile(sections_of.pack_tile(sections)) == sorted(sections, key=order)


def test_tile_of_one_section_costs_one_byte_and_none_nothing():
    assert sections_of.pack_tile([]) == Payload() and unpacked_tile(Payload()) == []
    assert len(sections_of.pack_tile([Section(1, bytes(5000))]).base) == 5001
    assert len(sections_of.pack_tile([Section(8, bytes(5000))]).rest) == 5001


def test_unknown_sections_are_skipped_or_need_a_newer_version():
    known, optional, needed = Section(8, b"abc"), Section(100, b"x"), Section(63, b"y")
    assert unpacked_tile(sections_of.pack_tile([known, optional])) == [known]
    assert unpacked_tile(sections_of.pack_tile([optional])) == []
    with pytest.raises(NewerVersion, match="63"):
        unpacked_tile(sections_of.pack_tile([known, needed, optional]))


@pytest.mark.parametrize("kinds", [[0], [127], [1, 1]])
def test_senseless_section_kinds_are_refused(kinds):
    with pytest.raises(InvalidArgument):
        sections_of.pack_tile([Section(kind, b"") for kind in kinds])


@pytest.mark.parametrize(
    "payload",
    [b"\x80", b"\xff", b"\x00\x00", b"\x08", b"\x08\x05ab", b"\x08\x00", b"\x0a\x00\x88", b"\x08\x81\x00a\x8a"],
)
def test_malformed_tiles_are_corrupt(payload):
    with pytest.raises(CorruptFile):
        sections_of.unpack_payload(payload, False, "learned")


@pytest.mark.parametrize(
    "kind, base, band",
    [(1, False, "learned"), (8, True, "learned"), (11, False, "learned"), (8, False, "bounded"), (10, False, "exact")],
)
def test_sections_in_the_wrong_place_are_corrupt(kind, base, band):
    with pytest.raises(CorruptFile, match="belong"):
        sections_of.unpack_payload(bytes([kind | 128]), base, band)


def test_latents_carry_the_checksum_of_their_symbols():
    symbols = np.array([[0, -3], [70000, 1]])
    checksum, stream = sections_of.unpack_latents(sections_of.pack_latents(8, symbols, b"stream"))
    assert stream == b"stream"
    sections_of.check_symbols(symbols.astype(">i4"), checksum)
    with pytest.raises(CorruptFile):
        sections_of.check_symbols(symbols + np.array([[0, 0], [0, 1]]), checksum)
    with pytest.raises(CorruptFile):
        sections_of.check_symbols(np.zeros(5), sections_of.symbols_checksum(np.zeros(4)))
    with pytest.raises(CorruptFile):
        sections_of.unpack_latents(Section(1, b"a"))
    assert sections_of.symbols_checksum(np.frombuffer(b"12345678", "<i4")) == 0xDAAF


@given(st.integers(0, (1 << 32) - 1))
def test_varints_round_trip(value):
    assert Cursor(pack_varint(value), "test").varint("number") == value
    assert fold(unfold(value)) == value


def test_varints_outside_the_range_are_refused():
    for value in (-1, 1 << 32):
        with pytest.raises(InvalidArgument):
            pack_varint(value)
    with pytest.raises(CorruptFile):
        Cursor(b"\xff\xff\xff\xff\x1f", "test").varint("number")
