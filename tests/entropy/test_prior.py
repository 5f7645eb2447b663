"""The integer prior: its known answer moves with every weight, and arrays that it cannot be made of are refused."""

import dataclasses

import numpy as np
import pytest

from sarcodec.entropy.prior_arrays import prior_from_arrays
from sarcodec.errors import ModelError
from sarcodec.models import published
from sarcodec.models.published import Model, known_answer


@pytest.fixture(scope="module")
def model() -> Model:
    return published.load()


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
