"""The walk: equal to its int64 oracle, the same for writer and reader, and sure to notice a wrong step; and the step law."""

import dataclasses
import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entropy.integer_oracle import walk as oracle_walk
from sarcodec.encoding.tile import TileEncoder
from sarcodec.entropy import step_index
from sarcodec.entropy.prior import CHANNELS, FEATURE_MAX, GROUPS, Prior, TileLatents, _Walk, features
from sarcodec.entropy.prior_arrays import prior_from_arrays
from sarcodec.entropy.tables import MAX_MAGNITUDE
from sarcodec.errors import CorruptFile, InvalidArgument, ModelError
from sarcodec.format.sections import BASE, LATENTS, Section
from sarcodec.models import published
from sarcodec.models.published import Model, known_answer

STEPS = st.integers(0, 639)
SIDES = st.integers(1, 16)


@pytest.fixture(scope="module")
def model() -> Model:
    return published.load()


@pytest.fixture(scope="module")
def codec(model) -> TileEncoder:
    return TileEncoder(model)


class Recorder:
    """A port that answers with seeded places up to a size, and keeps everything it is asked with."""

    def __init__(self, seed: int, hyper_size: int, size: int):
        self.random, self.hyper_size, self.size = np.random.default_rng(seed), hyper_size, size
        self.asked = []

    def answer(self, shape, size):
        sparse = self.random.random(shape) < self.random.choice([0.02, 0.5, 1.0])
        return self.random.integers(-size, size + 1, shape) * sparse

    def hyper(self, rows):
        self.asked.append(np.asarray(rows).tolist())
        return self.answer(rows.shape, self.hyper_size)

    def latents(self, rows, mean, cells, channels):
        self.asked.append((rows.tolist(), mean.tolist(), cells.tolist(), channels))
        return self.answer(rows.shape, self.size)


class Full(Recorder):
    """Answers with one number everywhere, or with its largest and least in turn."""

    def answer(self, shape, size):
        signs = {0: 1, 1: -1, 2: (-1) ** np.arange(shape[-1])}[int(self.random.integers(3))]
        return np.broadcast_to(size * signs, shape).astype(np.int64)


@pytest.mark.parametrize(
    "step, rows, cols, port, size",
    [
        (0, 3, 2, Recorder, 40),
        (639, 4, 3, Recorder, 3),
        (64, 1, 1, Recorder, 9),
        (319, 1, 5, Recorder, 5),
        (447, 5, 1, Recorder, 2),
        (575, 4, 5, Recorder, 1),
        (200, 2, 3, Recorder, 2 * MAX_MAGNITUDE),
        (0, 2, 2, Full, 2 * MAX_MAGNITUDE),
        (639, 3, 2, Full, 2 * MAX_MAGNITUDE),
        (320, 2, 3, Full, 127),
    ],
)
def test_the_walk_equals_its_oracle(model, step, rows, cols, port, size):
    for hyper_size, seed in ((127, 1), (4, 2)):
        fast, slow = port(seed, hyper_size, size), port(seed, hyper_size, size)
        latents = model.prior.walk(step, rows, cols, fast)
        np.testing.assert_array_equal(latents, oracle_walk(model.prior, step, rows, cols, slow))
        assert fast.asked == slow.asked
        assert latents.any() and len(fast.asked) == 9 - 4 * (rows * cols == 1)


@pytest.mark.parametrize(
    "step, other, rows, cols, size",
    [(320, 320, 3, 4, 30), (200, 264, 2, 3, 200), (639, 0, 2, 2, 2 * MAX_MAGNITUDE), (0, 639, 3, 1, 2 * MAX_MAGNITUDE)],
)
def test_a_walk_that_leans_equals_its_oracle(model, step, other, rows, cols, size):
    random = np.random.default_rng(step)
    reference = TileLatents(random.integers(-32 * size, 32 * size + 1, (rows * cols, CHANNELS)), other)
    fast, slow = Recorder(5, 9, 3), Recorder(5, 9, 3)
    latents = model.prior.walk(step, rows, cols, fast, reference)
    np.testing.assert_array_equal(latents, oracle_walk(model.prior, step, rows, cols, slow, reference))
    alone = Recorder(5, 9, 3)
    model.prior.walk(step, rows, cols, alone)
    assert fast.asked == slow.asked != alone.asked


@pytest.mark.parametrize("step", [0, 320, 639])
def test_features_stay_within_what_the_bound_was_proved_for(model, step):
    found = _Walk(model.prior, step, 1, 1, np.zeros((1, 128), np.float32))
    begin, largest = 0, []
    for group, size in enumerate(GROUPS):
        channels = slice(begin, begin + size)
        for latent in (32 * MAX_MAGNITUDE, -32 * MAX_MAGNITUDE, 3000, -37, 1):
            factor, companding = found.feature_factor[channels], model.prior.companding
            seen = features(np.full((1, size), latent, np.int64), factor, companding, group)
            assert seen.dtype == np.float32 and np.abs(seen).max() <= FEATURE_MAX[group]
            assert (seen == np.rint(seen)).all()
            largest.append(np.abs(seen).max())
        assert not features(np.zeros((1, size), np.int64), factor, companding, group).any()
        begin += size
    assert max(largest) > 100


def latents_of(codec: TileEncoder, seed: int, rows: int, cols: int, size_db: float) -> np.ndarray:
    """Latents in dB as a scene has them: each channel about as large as the model expects, times size_db."""
    noise = np.random.default_rng(seed).standard_normal((rows, cols, CHANNELS), np.float32)
    return (noise * codec._deviation * np.float32(size_db)).astype(np.float32)


def encode_watched(codec: TileEncoder, latents: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray, Section]:
    """What the writer's walk left as latents in 1/32 step, which of them have a table that codes, and the section."""
    left, coded, walk, skip = [], np.zeros((latents[..., 0].size, CHANNELS), bool), Prior.walk, codec.model.tables.skip

    def watched(prior, step, rows, cols, port, reference, lost, **options):
        ask = port.latents

        def latents_of_pass(rows, mean, cells, channels):
            coded[cells, channels] = ~skip[rows]
            return ask(rows, mean, cells, channels)

        port.latents = latents_of_pass
        left.append(walk(prior, step, rows, cols, port, reference, lost, **options))
        return left[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Prior, "walk", watched)
        patch.setitem(vars(codec.model.prior), "native", None)  # the library takes its own walk
        section, kept = codec.encode(latents, step)
    assert np.array_equal(kept.latents.values, left[0]) and kept.latents.step == step
    return left[0].reshape(latents.shape), coded.reshape(latents.shape), section


@settings(max_examples=20, deadline=None)
@given(SIDES, SIDES, STEPS, st.sampled_from([0.0, 0.1, 1.0, 30.0, 1e4]), st.integers(0, 99))
@example(1, 1, 0, 1.0, 0)
@example(16, 16, 639, 1.0, 0)
@example(16, 16, 0, 1.0, 0)
@example(1, 16, 639, 1e4, 0)
@example(2, 1, 0, 1e7, 0)
def test_reading_gives_what_was_written(rows, cols, step, size_db, seed):
    codec = TileEncoder(published.load())
    latents, steps_db = latents_of(codec, seed, rows, cols, size_db), codec.model.prior.steps.steps_db(step)
    written, coded, section = encode_watched(codec, latents, step)
    decoded = codec.decoder.dequantise(codec.decoder.decode(section, step, rows, cols), rows, cols)
    assert decoded.dtype == np.float32
    np.testing.assert_array_equal(decoded, (written / 32).astype(np.float32) * steps_db)
    # The encoder may take a place that is not the nearest where that saves bits, but no bits are worth many steps.
    values = (latents / steps_db).astype(np.float64)
    within = coded & (np.abs(values) < MAX_MAGNITUDE / 2)
    error = np.abs(written / 32 - values)[within]
    assert (error <= 5 + 1e-6 * np.abs(values[within])).all() and np.sqrt(
        np.square(error).sum() / max(1, error.size)
    ) < 1
    assert within.any() or step > 0


@settings(max_examples=15, deadline=None)
@given(SIDES, SIDES, STEPS, STEPS, st.integers(0, 99))
@example(4, 4, 320, 321, 0)
@example(16, 16, 639, 0, 1)
@example(16, 16, 0, 639, 1)
def test_a_reader_at_another_step_notices(rows, cols, step, other, seed):
    codec = TileEncoder(published.load())
    section, _ = codec.encode(latents_of(codec, seed, rows, cols, 1.0), step)
    if sum(len(part.payload) for part in section) < 40 or step == other:
        return  # a few symbols may happen to read the same at a neighbouring step
    try:
        decoded = codec.decoder.decode(section, other, rows, cols)
    except CorruptFile:
        return
    pytest.fail(f"step {step} read at {other} gave latents up to {np.abs(decoded.values).max() / 32} steps")


def test_a_reader_of_another_size_or_of_noise_notices(codec):
    section, _ = codec.encode(latents_of(codec, 3, 6, 6, 1.0), 320)
    for rows, cols in ((6, 5), (5, 6), (16, 16), (1, 1)):
        with pytest.raises(CorruptFile):
            codec.decoder.decode(section, 320, rows, cols)
    random = np.random.default_rng(4)
    for length in (2, 3, 5, 40, 4000):
        for step in (0, 320, 639):
            with pytest.raises(CorruptFile):
                codec.decoder.decode((Section(BASE, random.bytes(length)), section[1]), step, 16, 16)
    with pytest.raises(CorruptFile):
        codec.decoder.decode((section[0], Section(LATENTS, b"a")), 320, 6, 6)


# The known answer


def test_known_answer_is_the_cards(model):
    assert known_answer(model.prior) == next(c for c in published.available() if c.id == model.id).text["known_answer"]


def changed(array: np.ndarray, place: tuple, by: int = 1) -> np.ndarray:
    array = array.copy()
    array[place] += by
    return array


def test_a_perturbed_prior_gives_another_answer(model):
    prior, answer = model.prior, known_answer(model.prior)
    accumulator, law = prior.accumulator, prior.steps
    swap = lambda layers, n, new: (*layers[:n], new, *layers[n + 1 :])
    minus = lambda layer: dataclasses.replace(layer, weight=-layer.weight)  # the bound holds for it too
    perturbed = [
        dataclasses.replace(prior, **{kind: swap(getattr(prior, kind), n, minus(layer))})
        for kind in ("head", "hidden", "gain")
        for n, layer in enumerate(getattr(prior, kind))
    ]
    for name in ("first", "second", "third"):
        hyper = dataclasses.replace(prior.hyper, **{name: minus(getattr(prior.hyper, name))})
        perturbed.append(dataclasses.replace(prior, hyper=hyper))
    for kind in ("groups", "references"):
        for group, weight in enumerate(getattr(accumulator, kind)):
            other = dataclasses.replace(accumulator, **{kind: swap(getattr(accumulator, kind), group, -weight)})
            perturbed.append(dataclasses.replace(prior, accumulator=other))
    perturbed.append(dataclasses.replace(prior, accumulator=dataclasses.replace(accumulator, side=-accumulator.side)))
    perturbed.append(dataclasses.replace(prior, steps=dataclasses.replace(law, deviation=law.deviation + 1)))
    perturbed.append(
        dataclasses.replace(prior, steps=dataclasses.replace(law, offsets=changed(law.offsets, (0, 5), 64)))
    )
    perturbed.append(dataclasses.replace(prior, companding=np.minimum(prior.companding + 1, 127)))
    assert all(known_answer(p) != answer for p in perturbed)
    assert known_answer(dataclasses.replace(prior)) == answer


def test_one_unit_in_one_sum_of_a_mean_is_seen(model):
    """The answer must move with rounding, not only with gross errors: one output off by one, in the last channel."""
    prior = model.prior
    for number, head in enumerate(prior.head):
        place = (head.bias.size // 2 - 1,)
        unit = 1 << int(head.exponent[place])
        other = dataclasses.replace(head, bias=changed(head.bias, place, unit))
        heads = (*prior.head[:number], other, *prior.head[number + 1 :])
        assert known_answer(dataclasses.replace(prior, head=heads)) != known_answer(prior)


# Arrays


def arrays_of(model: Model) -> dict[str, np.ndarray]:
    found = {}
    prior = model.prior
    named = {"hyper1": prior.hyper.first, "hyper2": prior.hyper.second, "hyper3": prior.hyper.third}
    for n in range(8):
        named |= {f"hidden{n}": prior.hidden[n], f"head{n}": prior.head[n], f"gain{n}": prior.gain[n]}
    for name, layer in named.items():
        found |= {
            f"{name}.weight": layer.weight.astype(int),
            f"{name}.bias": layer.bias.astype(int),
            f"{name}.exponent": layer.exponent,
        }
    a = prior.accumulator
    found |= {f"group{n}.weight": a.groups[n].astype(int) for n in range(4)}
    found |= {f"reference{n}.weight": a.references[n].astype(int) for n in range(4)}
    found |= {
        "side.weight": a.side.astype(int),
        "accumulator.bias": a.bias,
        "accumulator.exponent": a.exponent,
        "steps.offsets": prior.steps.offsets,
        "steps.deviation": prior.steps.deviation,
        "steps.powers": prior.steps.powers,
        "companding": prior.companding,
        "centroids": prior.centroids,
    }
    return found


def test_arrays_make_the_same_prior_and_none_may_be_missing_fractional_or_of_another_shape(model):
    arrays = arrays_of(model)
    assert known_answer(prior_from_arrays(arrays)) == known_answer(model.prior)
    for name in ("head7.weight", "gain0.weight", "companding", "steps.powers", "group3.weight", "reference0.weight"):
        with pytest.raises(ModelError, match=name):
            prior_from_arrays({k: v for k, v in arrays.items() if k != name})
        with pytest.raises(ModelError, match=name):
            prior_from_arrays(arrays | {name: arrays[name].astype(np.float32)})
        with pytest.raises(ModelError, match="shape"):
            prior_from_arrays(arrays | {name: arrays[name][:-1]})


@pytest.mark.parametrize("name, size", [("companding", 128), ("centroids", 33)])
def test_sizes_that_the_bound_was_not_proved_for_are_refused(model, name, size):
    arrays = arrays_of(model)
    arrays[name] = arrays[name].copy()
    arrays[name].reshape(-1)[-1] = size
    with pytest.raises(ModelError, match=name):
        prior_from_arrays(arrays)


# The step law


def test_quality_is_a_fixed_function_of_the_step():
    assert step_index.step_of_quality(100) == 0 and step_index.step_of_quality(0) == 639
    assert (
        step_index.step_db(0) == 0.0625
        and step_index.step_db(256) == 1.0
        and step_index.step_db(step_index.step_of_quality(60)) == 1.0
    )
    assert all(step_index.step_of_quality(step_index.quality_of_step(s)) == s for s in range(640))
    for tenth in range(1001):
        expected = min(639, int(Fraction(640) * (1 - Fraction(tenth, 1000)) + Fraction(1, 2)))
        halfway = (Fraction(640) * (1 - Fraction(tenth, 1000)) * 2) % 2 == 1
        assert step_index.step_of_quality(tenth / 10) == expected or halfway
    ratios = {round(step_index.step_db(s + 64) / step_index.step_db(s), 12) for s in range(576)}
    assert ratios == {2.0}


@pytest.mark.parametrize("quality", [-0.01, 100.01, float("nan"), float("inf"), -float("inf")])
def test_qualities_outside_the_range_are_refused(quality):
    with pytest.raises(InvalidArgument, match="quality"):
        step_index.step_of_quality(quality)


def test_powers_are_those_of_the_table_that_any_machine_makes(model):
    """2 ** (i / 1024) * 2 ** 20 to the nearest whole number: p is it if and only if (p -+ 1/2)^1024 brackets 2^(i + 20480)."""
    powers = [int(p) for p in model.prior.steps.powers]
    assert len(powers) == 1024
    for i in range(0, 1024, 31):
        assert (2 * powers[i] - 1) ** 1024 <= 2 ** (i + 21 * 1024) <= (2 * powers[i] + 1) ** 1024
    assert all(a < b for a, b in itertools.pairwise(powers))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-40 * 1024, 25 * 1024), min_size=1, max_size=40), st.integers(0, 18))
def test_power_is_exact(exponents, bits):
    law = published.load().prior.steps
    found = law.power(np.array(exponents, np.int64), bits)
    for exponent, value in zip(exponents, found):
        octave, part = divmod(exponent, 1024)
        assert int(value) == int(law.powers[part]) * Fraction(2) ** (octave + bits - 20) // 1


@pytest.mark.parametrize("step", [0, 1, 63, 64, 320, 575, 576, 639])
def test_channel_steps_come_from_the_table(model, step):
    law = model.prior.steps
    found = law.steps_db(step)
    assert found.dtype == np.float32 and found.shape == (CHANNELS,)
    low, part = divmod(step, 64)
    for channel in range(CHANNELS):
        first, second = (int(law.offsets[channel, low + n]) for n in (0, 1))
        exponent = 16 * step - 4096 + (first * (64 - part) + second * part) // 64
        exact_db = Fraction(int(law.powers[exponent % 1024])) * Fraction(2) ** (exponent // 1024 - 20)
        assert found[channel] == np.float32(float(exact_db))
        assert found[channel] == pytest.approx(2.0 ** (exponent / 1024), rel=1e-6)
