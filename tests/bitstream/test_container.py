import dataclasses
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcodec.bitstream import container
from sarcodec.bitstream import sections as sections_of
from sarcodec.bitstream.container import BandField, Entry, Header
from sarcodec.bitstream.sections import Section
from sarcodec.bitstream.varint import Cursor, fold, pack_varint, unfold
from sarcodec.errors import CorruptFile, InvalidArgument, NewerVersion, NotSarcodec, TruncatedFile

HEADER = Header(
    600, 1000, "uint16", "amplitude", 9, "dct16-0", b"12345678", 320, (BandField(-1600), BandField(5, 0)), b"meta"
)
ENTRIES = [Entry(0, 100 * i, 300 + i, i << 24) for i in range(8)]
BOUNDED = Header(600, 1000, "uint16", "amplitude", 9, "", b"", 0, (BandField(0),) * 2, b"meta", 500)


@st.composite
def headers(draw):
    log2, count = draw(st.integers(4, 12)), draw(st.integers(1, 4))
    side = st.integers(1, 3 << log2)
    bound = draw(st.none() | st.integers(0, 20_000))
    if bound is not None:
        kinds = draw(st.sampled_from(container.DTYPES)), draw(st.sampled_from(container.DOMAINS))
        return Header(
            draw(side), draw(side), *kinds, log2, "", b"", 0, (BandField(0),) * count, draw(st.binary(max_size=9)), bound
        )
    bands, leaders = [], []  # a band leans on one that does not lean itself
    for number in range(count):
        reference = draw(st.none() | st.sampled_from(leaders)) if leaders else None
        bands.append(BandField(draw(st.integers(-32768, 32767)), reference))
        leaders += [number] if reference is None else []
    return Header(
        draw(side),
        draw(side),
        draw(st.sampled_from(container.DTYPES)),
        draw(st.sampled_from(container.DOMAINS)),
        log2,
        draw(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)),
        draw(st.binary(min_size=8, max_size=8)),
        draw(st.integers(0, 639)),
        tuple(bands),
        draw(st.binary(max_size=200)),
    )


@settings(max_examples=100, deadline=None)
@given(headers(), st.randoms())
def test_head_round_trip(header, random):
    lengths = [random.getrandbits(random.randrange(1, 32)) for _ in range(header.entry_count)]
    steps = 1 if header.bounded else 640
    given_entries = [Entry(0, length, random.randrange(steps), random.getrandbits(32)) for length in lengths]
    data = container.pack_head(header, given_entries)
    again, entries = container.unpack_head(data + b"payloads")
    assert again == header and container.head_length(data[:10]) == len(data)
    assert [dataclasses.replace(entry, offset=0) for entry in entries] == given_entries
    assert [entry.offset for entry in entries] == [
        len(data) + sum(e.length for e in given_entries[:i]) for i in range(len(entries))
    ]


def test_head_of_a_tiny_scene_is_small():
    header = dataclasses.replace(HEADER, rows=64, cols=64, bands=(BandField(3),), metadata=b"")
    assert len(container.pack_head(header, [Entry(0, 1800, 330, 1)])) == 36 + 7


def test_a_bound_takes_the_place_of_the_model():
    header = dataclasses.replace(BOUNDED, rows=64, cols=64, bands=(BandField(0),), metadata=b"", bound=127)
    assert len(container.pack_head(header, [Entry(0, 1800, 0, 1)])) == 36 + 7 - (1 + 7 + 8 + 2 + 2) + 1
    assert (header.bounded, header.max_error_db) == (True, 0.127)
    assert (HEADER.bounded, HEADER.max_error_db) == (False, None)
    assert dataclasses.replace(BOUNDED, bound=0).max_error_db == 0


@pytest.mark.parametrize(
    "change",
    [
        {"bound": -1},
        {"bound": 20_001},
        {"model_id": "a"},
        {"model_digest": b"12345678"},
        {"base_step": 1},
        {"bands": (BandField(1),)},
        {"bands": (BandField(0), BandField(0, 0))},
    ],
)
def test_senseless_heads_with_a_bound_are_refused(change):
    with pytest.raises(InvalidArgument):
        dataclasses.replace(BOUNDED, **change)


@pytest.mark.parametrize("header, step", [(HEADER, 300), (BOUNDED, 0)])
def test_every_truncation_and_every_flipped_bit_of_the_head(header, step):
    data = container.pack_head(header, [dataclasses.replace(e, step=step) for e in ENTRIES])
    for cut in range(1, len(data)):
        with pytest.raises(TruncatedFile):
            container.unpack_head(data[:cut])
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        expected = NotSarcodec if bit < 32 else NewerVersion if bit < 40 else CorruptFile
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
        {"dtype": "float64"},
        {"domain": "phase"},
        {"tile_log2": 3},
        {"tile_log2": 13},
        {"model_id": ""},
        {"model_id": "A"},
        {"model_id": "a" * 65},
        {"model_digest": b"1234567"},
        {"base_step": 640},
        {"base_step": -1},
        {"bands": ()},
        {"bands": (BandField(1 << 15),)},
        {"bands": (BandField(0, 0),)},
    ],
)
def test_senseless_heads_are_refused(change):
    with pytest.raises(InvalidArgument):
        dataclasses.replace(HEADER, **change)


def test_wrong_entries_are_refused():
    with pytest.raises(InvalidArgument):
        container.pack_head(HEADER, ENTRIES[:-1])
    with pytest.raises(InvalidArgument):
        container.pack_head(HEADER, [*ENTRIES[:-1], Entry(0, 1, 640, 0)])


def _sealed(body: bytes) -> bytes:
    """A head whose checksum holds, whatever its body says."""
    head = container.MAGIC + b"\0" + pack_varint(len(body)) + body
    return head + zlib.crc32(head).to_bytes(4, "little")


def _body(rows=b"\x01", cols=b"\x01", bands=b"\x01", tile=b"\x09", name=b"\x01a", tail=bytes(6), kinds=b"\x01"):
    return kinds + rows + cols + bands + tile + name + b"12345678" + b"\0" + b"\0\0" + b"\0" + tail


def test_sealed_head_reads():
    assert container.unpack_head(_sealed(_body()))[0].model_id == "a"


def test_sealed_heads_with_a_bound():
    fields = b"\x01\x01\x01\x01\x29\xf4\x03\0"
    assert container.unpack_head(_sealed(fields + bytes(6)))[0].bound == 500
    for wrong in (
        fields + b"\0\x02\0\0\0\0",
        b"\x01\x01\x01\x01\x29\xa1\x9c\x01\0" + bytes(6),
        b"\x01\x01\x01\x02\x39\xf4\x03\0\x01\0" + bytes(12),
    ):
        with pytest.raises(CorruptFile):
            container.unpack_head(_sealed(wrong))


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
        ({"tile": b"\x89"}, NewerVersion),
        ({"tile": b"\x29\xa1\x9c\x01"}, CorruptFile),
        ({"name": b"\x01A"}, CorruptFile),
        ({"name": b"\xffa"}, CorruptFile),
        ({"tail": b""}, CorruptFile),
        ({"tail": b"\0" * 7}, CorruptFile),
        ({"tail": b"\0\x01\0\0\0\0"}, CorruptFile),
        ({"kinds": b"\x04"}, CorruptFile),
        ({"kinds": b"\x30"}, CorruptFile),
    ],
)
def test_sealed_but_senseless_heads(fields, error):
    with pytest.raises(error):
        container.unpack_head(_sealed(_body(**fields)))


SECTIONS = st.dictionaries(st.sampled_from([1, 2, 3]), st.binary(max_size=300)).map(
    lambda found: [Section(kind, found[kind]) for kind in sorted(found)]
)


@given(SECTIONS)
def test_tile_round_trip(sections):
    assert sections_of.unpack_tile(sections_of.pack_tile(sections)) == sections


def test_tile_of_one_section_costs_one_byte_and_none_nothing():
    assert sections_of.pack_tile([]) == b"" and sections_of.unpack_tile(b"") == []
    assert len(sections_of.pack_tile([Section(1, bytes(5000))])) == 5001


def test_unknown_sections_are_skipped_or_need_a_newer_version():
    known, optional, needed = Section(1, b"abc"), Section(65, b"x"), Section(63, b"y")
    assert sections_of.unpack_tile(sections_of.pack_tile([known, optional])) == [known]
    assert sections_of.unpack_tile(sections_of.pack_tile([optional])) == []
    with pytest.raises(NewerVersion, match="63"):
        sections_of.unpack_tile(sections_of.pack_tile([known, needed, optional]))


@pytest.mark.parametrize("kinds", [[0], [127], [2, 1], [1, 1]])
def test_senseless_section_kinds_are_refused(kinds):
    with pytest.raises(InvalidArgument):
        sections_of.pack_tile([Section(kind, b"") for kind in kinds])


@pytest.mark.parametrize(
    "payload",
    [b"\x80", b"\xff", b"\x00\x00", b"\x01", b"\x01\x05ab", b"\x01\x00", b"\x02\x00\x81", b"\x01\x81\x00a\x82"],
)
def test_malformed_tiles_are_corrupt(payload):
    with pytest.raises(CorruptFile):
        sections_of.unpack_tile(payload)


def test_latents_carry_the_checksum_of_their_symbols():
    symbols = np.array([[0, -3], [70000, 1]])
    checksum, stream = sections_of.unpack_latents(sections_of.pack_latents(symbols, b"stream"))
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
