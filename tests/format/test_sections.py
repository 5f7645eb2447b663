"""Sections of a tile: what is packed is what is unpacked, and what no writer makes is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcodec.errors import CorruptFile, InvalidArgument, NewerVersion
from sarcodec.format import sections as sections_of
from sarcodec.format.sections import Payload, Section


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
