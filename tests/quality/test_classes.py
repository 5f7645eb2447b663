"""Classes: every bound alone decides, on both sides, and what a band has not is not held against it."""

import dataclasses
import math

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument
from sarcodec.quality.classes import CLASSES, class_of, judge
from sarcodec.quality.metrics import compare_levels

ARCHIVE, ANALYSIS = CLASSES["archive"], CLASSES["analysis"]


@pytest.fixture(scope="module")
def perfect():
    level = 40 + 10 * np.log10(np.random.default_rng(1).gamma(4.4, 1 / 4.4, (64, 64)))
    return compare_levels(level, level, np.ones(level.shape, bool))


def test_a_perfect_copy_passes_with_nothing_used_up(perfect):
    for wanted in CLASSES.values():
        verdict = judge(wanted, perfect, True)
        assert verdict.passed and verdict.excess == pytest.approx(0, abs=1e-4)
        assert [check.name for check in verdict.checks] == ["bias dB", "8 x 8 error dB", "ENL ratio", "mask"]


@pytest.mark.parametrize(
    "figure, inside, outside",
    [
        ("bias_power_db", (0.02, -0.02, 0.0), (0.0201, -0.0201)),
        ("multilook_rmse_db", (0.0499, 0.0), (0.05, 0.4)),  # "under": the bound itself fails
        ("enl_ratio", (0.981, 1.019), (0.979, 1.021, 0.5, 3.0)),
    ],
)
def test_each_bound_alone_decides(perfect, figure, inside, outside):
    for value in inside:
        assert judge(ARCHIVE, dataclasses.replace(perfect, **{figure: value}), True).passed
    for value in outside:
        verdict = judge(ARCHIVE, dataclasses.replace(perfect, **{figure: value}), True)
        assert not verdict.passed and verdict.excess >= 1 and sum(not check.passed for check in verdict.checks) == 1


def test_the_bounds_are_those_that_were_promised():
    assert dataclasses.astuple(ARCHIVE) == ("archive", 0.02, 0.05, 0.98, 1.02)
    assert dataclasses.astuple(ANALYSIS) == ("analysis", 0.05, 0.1, 0.9, 1.1)


def test_excess_is_the_share_of_what_is_allowed(perfect):
    worse = dataclasses.replace(perfect, bias_power_db=-0.03, multilook_rmse_db=0.02, enl_ratio=0.96)
    assert judge(ANALYSIS, worse, True).excess == pytest.approx(0.6)
    assert [check.excess for check in judge(ARCHIVE, worse, True).checks] == pytest.approx([1.5, 0.4, 2.0, 0.0])


def test_a_mask_that_is_not_exact_fails_whatever_the_rest(perfect):
    verdict = judge(ANALYSIS, perfect, False)
    assert not verdict.passed and verdict.excess == math.inf


def test_figures_that_a_small_or_empty_band_has_not_pass(perfect):
    small = dataclasses.replace(perfect, multilook_rmse_db=None, enl_ratio=None)
    assert judge(ARCHIVE, small, True).passed and judge(ARCHIVE, None, True).passed
    assert not judge(ARCHIVE, dataclasses.replace(small, bias_power_db=1.0), True).passed


def test_an_unknown_class_is_refused():
    assert class_of("archive") is ARCHIVE
    with pytest.raises(InvalidArgument, match="archive, analysis"):
        class_of("perfect")


def test_the_command_line_offers_every_class():
    from cli.shell import invoke

    done = invoke("compress", "--help")
    assert "{" + ",".join(CLASSES) + "}" in done.stdout
