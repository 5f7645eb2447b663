"""Targets section: what is written is read; whatever breaks a rule is refused; the adaptive coder and its end."""

import numpy as np
import pytest

from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.format.binary_coder import BinaryDecoder, BinaryEncoder
from sarcodec.format.targets import (
    LARGEST,
    MOST_BUMPS,
    BlockGain,
    Placed,
    TargetLayer,
    pack_targets,
    unpack_targets,
)
from sarcodec.format.varint import pack_varint

SHAPE = (512, 512)
GAIN = BlockGain(65, 1, 3)
PLACED = Placed(10, 20, False, 2, (0, 0), -5)
ADDED = Placed(400, 7, True, 3, (1, 2), 60)


def drawn(seed: int, count: int, shape: tuple[int, int] = SHAPE) -> TargetLayer:
    rng = np.random.default_rng(seed)
    inner = [r * 64 + c for r in range(1, 63) for c in range(1, 63) if 8 * r < shape[0] and 8 * c < shape[1]]
    blocks = rng.choice(inner, min(count, len(inner)), replace=False)
    gains = [BlockGain(int(b), int(rng.integers(4)), int(rng.integers(1, 20) * rng.choice([-1, 1]))) for b in blocks]
    placed = []
    for place in rng.choice(shape[0] * shape[1], count, replace=False):
        row, col = divmod(int(place), shape[1])
        if rng.random() < 0.5:
            placed.append(Placed(row, col, False, int(rng.integers(4)), (0, 0), int(rng.integers(1, LARGEST + 1))))
            continue
        width = int(rng.integers(5))
        quarters = (int(rng.integers(4)), int(rng.integers(4))) if width else (0, 0)
        placed.append(Placed(row, col, True, width, quarters, int(rng.integers(1, LARGEST + 1))))
    return TargetLayer(tuple(sorted(gains)), tuple(sorted(placed)))


@pytest.mark.parametrize("count", [1, 2, 7, 60, 700])
@pytest.mark.parametrize("shape", [SHAPE, (40, 512), (333, 17)])
def test_what_is_written_is_read(count, shape):
    layer = drawn(count, count, shape)
    assert unpack_targets(pack_targets(layer, shape), shape) == layer


def test_no_bumps_take_no_bytes():
    assert pack_targets(TargetLayer(), SHAPE) == b""


def test_a_layer_of_many_takes_few_bits():
    layer = TargetLayer(drawn(1, 300).gains)
    assert 8 * len(pack_targets(layer, SHAPE)) < 13 * 300


WRONG = {
    "block beside the tile's border": TargetLayer((GAIN._replace(block=64),)),
    "block beyond the tile": TargetLayer((GAIN._replace(block=63 * 64 + 5),)),
    "width of a gain": TargetLayer((GAIN._replace(width=4),)),
    "amplitude 0": TargetLayer((GAIN._replace(amplitude=0),)),
    "amplitude of a gain": TargetLayer((), (PLACED._replace(amplitude=LARGEST + 1),)),
    "row": TargetLayer((), (PLACED._replace(row=512),)),
    "width of what is added": TargetLayer((), (ADDED._replace(width=5),)),
    "amplitude of what is added": TargetLayer((), (ADDED._replace(amplitude=LARGEST + 1),)),
    "amplitude below 0": TargetLayer((), (ADDED._replace(amplitude=-1),)),
    "quarters of a single pixel": TargetLayer((), (ADDED._replace(width=0),)),
    "quarters of a gain": TargetLayer((), (PLACED._replace(quarters=(1, 0)),)),
    "quarters beyond the pixel": TargetLayer((), (ADDED._replace(quarters=(1, 4)),)),
    "two in a block": TargetLayer((GAIN, GAIN._replace(amplitude=5))),
    "two in a place": TargetLayer((), (PLACED, PLACED._replace(width=1))),
    "too many": TargetLayer((), tuple(PLACED._replace(row=n // 512, col=n % 512) for n in range(MOST_BUMPS + 1))),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_a_reader_refuses_is_not_written(what):
    with pytest.raises(InvalidArgument, match="cannot be stored"):
        pack_targets(WRONG[what], SHAPE)


def stream(write) -> bytes:
    coder = BinaryEncoder()
    write(coder)
    return coder.finish()


def unary(coder: BinaryEncoder, context, places: int, count: int) -> None:
    for n in range(count):
        coder.bit((context, places, min(n, 7)), 1)


@pytest.mark.parametrize(
    "data",
    [
        pack_varint(0) + pack_varint(0),
        pack_varint(MOST_BUMPS + 1) + pack_varint(0),
        pack_varint(0) + pack_varint(MOST_BUMPS + 1),
        pack_varint(1)[:0],
        pack_varint(1) + pack_varint(0) + stream(lambda c: unary(c, "gap", 4096, 8)),  # a gap beyond the last block
        pack_varint(0) + pack_varint(1) + stream(lambda c: unary(c, "gap", 512 * 512, 5)),
    ],
)
def test_damage_is_refused(data):
    with pytest.raises(CorruptFile):
        unpack_targets(data, SHAPE)


def test_bytes_too_many_or_of_zero_at_the_end_are_refused():
    data = pack_targets(TargetLayer((GAIN,), (PLACED, ADDED)), SHAPE)
    for more in (b"\0", b"\1" * 9, b"\0\1" * 5):
        with pytest.raises(CorruptFile):
            unpack_targets(data + more, SHAPE)


def test_any_bytes_are_a_layer_or_refused():
    rng = np.random.default_rng(3)
    for _ in range(400):
        data = pack_varint(int(rng.integers(30))) + pack_varint(int(rng.integers(30))) + rng.bytes(40)
        try:
            layer = unpack_targets(data, SHAPE)
        except CorruptFile:
            continue
        assert unpack_targets(pack_targets(layer, SHAPE), SHAPE) == layer


def test_the_coder_gives_back_any_bits_and_ends_where_they_end():
    rng = np.random.default_rng(5)
    for count in (0, 1, 5, 2000):
        for share in (0.001, 0.5, 0.999):
            bits = (rng.random(count) < share).astype(int).tolist()
            coder = BinaryEncoder()
            for n, bit in enumerate(bits):
                coder.bit(n % 3, bit)
                coder.raw(n % 8, 3 if n % 5 == 0 else 0)
            data = coder.finish()
            reader = BinaryDecoder(data)
            for n, bit in enumerate(bits):
                assert reader.bit(n % 3) == bit
                assert reader.raw(3 if n % 5 == 0 else 0) == (n % 8 if n % 5 == 0 else 0)
            assert not data.endswith(b"\0") and reader.used >= len(data)
