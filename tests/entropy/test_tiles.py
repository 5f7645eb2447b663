"""Tiles in the compiled library: at every level the tables, means, latents and symbols of the twins, whatever the bytes and weights are."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from entropy.levels import compiled_level, level  # noqa: F401  # fixtures
from sarcodec.encoding.tile import TileEncoder
from sarcodec.entropy import following, tiles, trellis
from sarcodec.entropy.prior import CHANNELS, Prior, TileLatents
from sarcodec.entropy.prior_arrays import prior_from_arrays
from sarcodec.entropy.shifts import by_channel
from sarcodec.entropy.tables import MAX_MAGNITUDE
from sarcodec.entropy.tiles import Place, read_tile
from sarcodec.entropy.trellis import LARGE
from sarcodec.errors import CorruptFile, InvalidArgument, ModelError
from sarcodec.format.choices import Choices
from sarcodec.format.sections import unpack_base, unpack_latents
from sarcodec.models import published
from sarcodec.models.published import Model, known_answer

PLACES = [
    (0, 1, 1, 9),
    (639, 1, 2, 3),
    (64, 2, 1, 300),
    (319, 3, 5, 2),
    (447, 16, 16, 1),
    (200, 7, 4, 2 * MAX_MAGNITUDE),
]


@pytest.fixture(scope="module")
def model() -> Model:
    return published.load()


def fresh(prior: Prior) -> Prior:
    """The same, without what was packed for another level."""
    return dataclasses.replace(prior)


def given(seed: int, place: Place, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Hyper symbols, and places of which most are 0."""
    random = np.random.default_rng(seed)
    hyper = random.integers(-127, 128, place.hyper_count, np.int32)
    places = random.integers(-size, size + 1, place.count, np.int32) * (random.random(place.count) < 0.3)
    return hyper, places.astype(np.int32)


def assert_followed_alike(prior: Prior, place: Place, size: int) -> following.Followed:
    found = following.follow(fresh(prior), *given(1, place, size), place)
    wanted = following._by_twin(prior, *given(1, place, size), place)
    for name in ("tables", "means", "latents"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    np.testing.assert_allclose(found.lost, wanted.lost, rtol=1e-5)
    return found


@pytest.mark.parametrize("step, rows, cols, size", PLACES)
def test_the_walk_equals_its_twin(compiled_level, model, step, rows, cols, size):  # noqa: F811
    found = assert_followed_alike(model.prior, Place(step, rows, cols), size)
    assert np.ptp(found.tables[found.tables < 256]) > 8 and found.latents.any()


@pytest.mark.parametrize("step, other, size", [(320, 320, 30), (200, 264, 200), (639, 0, 1 << 25), (0, 639, 1 << 25)])
def test_a_walk_that_leans_equals_its_twin(compiled_level, model, step, other, size):  # noqa: F811
    values = np.random.default_rng(step).integers(-32 * size, 32 * size + 1, (12, CHANNELS))
    reference = TileLatents(values.clip(-(1 << 31), (1 << 31) - 1).astype(np.int32), other)
    found = assert_followed_alike(model.prior, Place(step, 3, 4, reference), 3)
    alone = following.follow(model.prior, *given(1, Place(step, 3, 4), 3), Place(step, 3, 4))
    assert (found.means != alone.means).any() and (found.tables != alone.tables).any()


def test_shifted_scales_name_other_tables_in_both(compiled_level, model):  # noqa: F811
    shifts = np.random.default_rng(3).integers(-124, 125, CHANNELS).astype(np.int32)
    found = assert_followed_alike(model.prior, Place(320, 3, 4, shifts=shifts), 30)
    alone = following.follow(model.prior, *given(1, Place(320, 3, 4), 30), Place(320, 3, 4))
    assert (found.tables != alone.tables).mean() > 0.5


def test_latents_stop_at_their_limit(level, model):  # noqa: F811
    reference = TileLatents(np.full((4, CHANNELS), 1 << 30, np.int32), 639)
    found = following.follow(fresh(model.prior), *given(2, Place(0, 2, 2), 1 << 25), Place(0, 2, 2, reference))
    assert np.abs(found.latents.astype(np.int64)).max() == 1 << 30 == np.abs(found.means.astype(np.int64)).max()


def made_up(seed: int, sizes: tuple[int, int, int, int]) -> dict[str, np.ndarray]:
    """Arrays of a model of P, S, W and H whose sums come close to their bound, whose tables' numbers are wild, and within the laws."""
    random, (p, s, w, h) = np.random.default_rng(seed), sizes
    arrays = {}

    def weights(inputs: int, outputs: int, limit: int, share: float = 0.9) -> np.ndarray:
        most = int(min(32767, 2 * share * (1 << 24) / (inputs * limit)))
        return random.integers(-most // 2, most // 2 + 1, (inputs, outputs)).astype(np.int16)

    def layer(name: str, inputs: int, outputs: int, limit: int) -> None:
        arrays[f"{name}.weight"] = weights(inputs, outputs, limit)
        arrays[f"{name}.bias"] = random.integers(-9999, 10000, outputs)
        arrays[f"{name}.exponent"] = random.integers(8, 17, outputs)

    layer("hyper1", 24, 4 * p, 127), layer("hyper2", 9 * p, p, 255), layer("hyper3", p, s, 255)
    for n in range(8):
        count = (16, 80, 288, 640)[n // 2]
        layer(f"hidden{n}", w, h, 255), layer(f"head{n}", h, 2 * count, 255), layer(f"gain{n}", h, count, 255)
    arrays["side.weight"] = weights(s, w, 255, 0.1)
    for g, (features, taps) in enumerate(zip((32, 160, 144, 40), (9, 9, 1, 1))):
        arrays[f"group{g}.weight"] = weights(9 * features, w, 158, 0.1)
        arrays[f"reference{g}.weight"] = weights(taps * features, w, 158, 0.1)
    arrays["accumulator.bias"] = random.integers(-99999, 100000, (8, w, 11))
    arrays["accumulator.exponent"] = random.integers(1, 20, w)
    arrays["steps.offsets"] = random.integers(-2047, 2048, (CHANNELS, 11))
    arrays["steps.deviation"] = random.integers(-4096, 8192, CHANNELS)
    arrays["steps.powers"] = np.rint(np.exp2(np.arange(1024) / 1024 + 20)).astype(int)
    arrays["companding"] = random.integers(0, 128, 8192)
    arrays["companding"][0] = 0
    arrays["centroids"] = random.integers(0, 33, (256, 8))
    arrays["errors"] = random.integers(0, (1 << 24) + 1, (256, 8))
    return arrays


@pytest.mark.parametrize("sizes", [(96, 128, 256, 192), (1, 1, 1, 1), (7, 13, 33, 19), (24, 40, 72, 56)])
def test_models_of_any_sizes_and_numbers_within_the_laws(compiled_level, sizes):  # noqa: F811
    prior = prior_from_arrays(made_up(3, sizes))
    reference = TileLatents(np.random.default_rng(5).integers(-(1 << 30), 1 << 30, (15, CHANNELS)).astype(np.int32), 77)
    for place in (Place(0, 3, 5), Place(639, 3, 5, reference), Place(333, 1, 1)):
        assert_followed_alike(prior, place, 1 << 25)


@pytest.mark.parametrize(
    "name, value",
    [("steps.offsets", 2048), ("steps.deviation", 8192), ("steps.powers", 1 << 21), ("head3.weight", 1 << 15)],
)
def test_numbers_beyond_the_laws_are_refused(name, value):
    arrays = made_up(3, (7, 13, 33, 19))
    arrays[name] = arrays[name].astype(np.int64)
    arrays[name].reshape(-1)[5] = value
    with pytest.raises(ModelError, match=name.split(".weight")[0]):
        prior_from_arrays(arrays)


def test_the_known_answer_is_the_cards_at_every_level(level, model):  # noqa: F811
    card = next(c for c in published.available() if c.id == model.id)
    assert known_answer(fresh(model.prior)) == card.text["known_answer"]


def test_arrays_of_other_lengths_make_no_model(compiled_level, model):  # noqa: F811
    from sarcodec.native.tile import Model as Packed

    sizes, arrays = model.prior._sizes(), model.prior._arrays()
    Packed(sizes, arrays)
    for wrong in (
        arrays[:-1],
        [*arrays, arrays[-1]],
        [arrays[0][:-1], *arrays[1:]],
        [*arrays[:40], arrays[41], *arrays[41:]],
    ):
        with pytest.raises(ValueError, match="cannot have"):
            Packed(sizes, wrong)
    for other in ((0, 128, 256, 192), (96, 128, 256, 1 << 20), (96, 128, 255, 192)):
        with pytest.raises(ValueError, match="cannot have"):
            Packed(other, arrays)


# Streams


@pytest.fixture(scope="module")
def streams(model) -> list[tuple[tuple[bytes, bytes], Place]]:
    """Base streams and the others, at steps that skip nothing and nearly all; one leans, and one has shifted scales and the large trellis."""
    codec, found, reference = TileEncoder(model, 0), [], None
    for seed, (step, rows, cols) in enumerate(
        [(330, 4, 5), (120, 2, 3), (600, 5, 4), (345, 4, 5), (250, 1, 1), (300, 3, 3)]
    ):
        noise = np.random.default_rng(seed).standard_normal((rows, cols, CHANNELS), np.float32)
        place = Place(step, rows, cols, reference if seed == 3 else None)
        choices = Choices(True, (3, 0, -9, 2)) if seed == 5 else Choices()
        place = dataclasses.replace(
            place, shifts=by_channel(choices.shifts), trellis=LARGE if choices.large else trellis.USUAL
        )
        x = noise * codec._deviation
        attempt = codec._attempt(x, step, codec._hyper_symbols(x, step), place.reference, choices, None)
        reference = reference or attempt.known.latents
        base, rest = attempt.sections
        assert unpack_base(base)[1] == choices
        found.append(((unpack_base(base)[2], unpack_latents(rest)[1]), place))
    return found


def outcome(reading, *arguments) -> tuple | None:
    """Everything that was read, None where the bytes are damaged."""
    try:
        found = reading(*arguments, True)
    except CorruptFile:
        return None
    return found.symbols.tobytes(), found.latents.values.tobytes(), np.round(np.log2(found.lost + 1e-30), 3).tobytes()


def test_streams_are_read_as_by_the_twin(compiled_level, model, streams):  # noqa: F811
    prior = fresh(model.prior)
    for stream, place in streams:
        found = read_tile(prior, model.tables, stream, place, True)
        wanted = tiles._read_by_twin(prior, model.tables, stream, place, True)
        np.testing.assert_array_equal(found.symbols, wanted.symbols)
        np.testing.assert_array_equal(found.latents.values, wanted.latents.values)
        np.testing.assert_allclose(found.lost, wanted.lost, rtol=1e-5)
        assert found.symbols.dtype == found.latents.values.dtype == np.int32
        assert read_tile(prior, model.tables, stream, place).lost is None


def damaged(random: np.random.Generator, stream: bytes) -> bytes:
    """Some bytes changed, cut, put in, or nothing but noise."""
    data, kind = bytearray(stream), random.integers(4)
    at = int(random.integers(len(data) + 1))
    if kind == 0 and at < len(data):
        data[at] ^= 1 << int(random.integers(8))
    elif kind == 1:
        data = data[:at]
    elif kind == 2:
        data[at:at] = random.bytes(int(random.integers(1, 5)))
    else:
        data = bytearray(random.bytes(int(random.integers(0, 40))))
    return bytes(data)


def test_damaged_streams_end_as_with_the_twin(compiled_level, model, streams):  # noqa: F811
    random, prior, whole = np.random.default_rng(8), fresh(model.prior), 0
    for _ in range(60):
        stream, place = streams[int(random.integers(len(streams)))]
        one = int(random.integers(2))
        stream = tuple(damaged(random, part) if number == one else part for number, part in enumerate(stream))
        found = outcome(tiles._read_by_library, prior, model.tables, stream, place)
        wanted = outcome(tiles._read_by_twin, prior, model.tables, stream, place)
        assert (found is None) == (wanted is None) and (found is None or found[:2] == wanted[:2])
        whole += found is not None
    assert whole < 60


def test_the_same_at_another_step_is_no_crash(level, model, streams):  # noqa: F811
    stream, place = streams[1]
    for step in (0, 100, 639):
        outcome(read_tile, fresh(model.prior), model.tables, stream, dataclasses.replace(place, step=step))


@pytest.mark.parametrize("step, rows, cols", [(0, 0, 1), (0, 1, 129), (640, 1, 1), (-1, 1, 1)])
def test_places_that_no_tile_has_are_refused(model, step, rows, cols):
    with pytest.raises(InvalidArgument, match="expected 1 to 128"):
        read_tile(model.prior, model.tables, (b"", b""), Place(step, rows, cols))


def test_threads_share_a_model(compiled_level, model, streams):  # noqa: F811
    prior = fresh(model.prior)
    wanted = [outcome(read_tile, prior, model.tables, *one) for one in streams]
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: [outcome(read_tile, prior, model.tables, *one) for one in streams], range(16)):
            assert found == wanted
