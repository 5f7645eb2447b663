"""What compress is told to aim at: one target, a number, or a class by its name."""

import pytest

from sarcodec.encoding.job import DEFAULT_QUALITY, Target, chosen_target
from sarcodec.errors import InvalidArgument


def test_the_one_target_that_is_given_is_taken():
    assert chosen_target({"bpp": None, "size": 1000, "class": None}) == Target("size", 1000.0)
    assert chosen_target({"class": "archive"}) == Target("class", quality_class="archive")
    assert chosen_target({"bpp": None}) == Target("quality", DEFAULT_QUALITY)


@pytest.mark.parametrize(
    "given",
    [
        {"bpp": 1.0, "size": 10},
        {"bpp": 0},
        {"size": float("nan")},
        {"quality": "fine"},
        {"class": "best"},
        {"class": 3},
    ],
)
def test_anything_else_is_refused(given):
    with pytest.raises(InvalidArgument):
        chosen_target(given)
