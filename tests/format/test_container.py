"""Head and index: what is packed is what is unpacked, and every cut and every flipped bit is found."""

import dataclasses
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcodec.errors import CorruptFile, InvalidArgument, NewerVersion, NotSarcodec, OlderVersion, TruncatedFile
from sarcodec.format import container
from sarcodec.format.attachments import Attachment
from sarcodec.format.bands import KINDS, BandField
from sarcodec.format.container import Header
from sarcodec.format.index import Entry, Part, pack_index, unpack_block
from sarcodec.format.measure import DOMAINS

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
