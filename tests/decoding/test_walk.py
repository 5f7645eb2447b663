"""The order in which a scene is decoded: every tile once, bands that lean together, and never more kept than there is room for."""

import pytest

from sarcodec.decoding.walk import families, past, stripe_cols, stripes
from sarcodec.format.bands import EXACT, LEARNED, BandField
from sarcodec.format.tiling import TileGrid, Window

GRID = TileGrid(7 * 32, 20 * 32, 32)
PLAIN, LEANING, OTHER = BandField(LEARNED, "power"), BandField(LEARNED, "power", reference=0), BandField(EXACT, None)


def neighbours(tile):
    row, col = divmod(tile, GRID.shape[1])
    rows = range(max(0, row - 1), min(GRID.shape[0], row + 2))
    return [r * GRID.shape[1] + c for r in rows for c in range(max(0, col - 1), min(GRID.shape[1], col + 2))]


def decoded(order, room, ahead=3):
    """How often a tile is decoded if its neighbours are, the latest `room` are kept, and what is behind is forgotten so much later."""
    kept, count, most = [], 0, 0
    for stripe in order:
        for number, tile in enumerate(stripe):
            if number >= ahead:
                kept = [other for other in kept if other not in past(GRID, stripe, stripe[number - ahead])]
            for other in neighbours(tile):
                count += other not in kept
                kept = [*(one for one in kept if one != other), other][-room:]
            most = max(most, len(kept))
    return count, most


@pytest.mark.parametrize("cols", [1, 3, 7, 19, 20, 1 << 30])
@pytest.mark.parametrize("window", [Window(0, 0, 224, 640), Window(40, 70, 90, 300), Window(223, 639, 1, 1)])
def test_every_touched_tile_comes_once(cols, window):
    order = list(stripes(GRID, window, cols))
    assert sorted(tile for stripe in order for tile in stripe) == GRID.touched(window)
    across = {tile % GRID.shape[1] for stripe in order for tile in stripe}
    assert len(order) == -(-len(across) // min(cols, len(across))) and all(stripe == sorted(stripe) for stripe in order)


@pytest.mark.parametrize("threads", [1, 4])
def test_room_for_two_rows_decodes_no_tile_twice(threads):
    room = 2 * (20 + 2) + 4 + 2 * threads + 1
    cols = stripe_cols(room * 10, 10, threads)
    assert cols == 20
    assert decoded(stripes(GRID, GRID.whole, cols), 999, 2 * threads + 1)[1] <= room
    assert decoded(stripes(GRID, GRID.whole, cols), room, 2 * threads + 1)[0] == GRID.count


@pytest.mark.parametrize("room", [16, 24, 36])
def test_with_less_room_stripes_decode_only_their_edges_twice(room):
    cols = stripe_cols(room, 1, 1)
    order = list(stripes(GRID, GRID.whole, cols))
    assert cols < 20 and GRID.count < decoded(order, room)[0] <= GRID.count + 2 * (len(order) - 1) * GRID.shape[0]
    assert decoded([GRID.touched(GRID.whole)], room)[0] > 1.3 * decoded(order, room)[0]


def test_without_kept_tiles_there_are_no_stripes_and_with_no_room_they_are_one_tile_wide():
    assert list(stripes(GRID, GRID.whole, stripe_cols(0, 0, 2))) == [list(range(GRID.count))]
    assert stripe_cols(0, 5, 2) == 1


def test_bands_that_lean_on_each_other_go_together():
    fields = (PLAIN, OTHER, LEANING, PLAIN)
    assert families(fields, [0, 1, 2, 3, 4]) == [[0, 2], [1], [3], [4]]
    assert families(fields, [3, 2, 0, 0]) == [[0], [1, 2, 3]]
