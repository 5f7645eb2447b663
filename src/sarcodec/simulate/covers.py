"""What each kind of land looks like to C band at about 39 degrees: sigma nought in dB, VV and VH, for one cell.

In: a `Cell` and an integer key. Out: (2, CELL, CELL) float32 dB, VV first. Levels are round
numbers of the kind that Sentinel-1 scenes show (sea VV -18 to -12, fields -14 to -8, forest -8 and VH -13, towns 0 to
+10). Knows nothing of speckle, of noise or of where which kind lies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec.simulate.lattice import (
    CELL,
    Cell,
    Seeds,
    fractal,
    hashed,
    level_line_px,
    nearest_seeds,
    noise,
    noise_gradient,
    normal,
    uniform,
)

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

_INCIDENCE = np.deg2rad(39.0)


def sea(cell: Cell, key: int) -> Floats:
    """Wind patches, streaks along the wind, swell, and slicks where the wind drops; VH 9 to 11 dB below."""
    first = hashed(key, np.array([0]), np.array([0]))
    wind_turn, swell_turn = (2 * np.pi * uniform(first, draw)[0] for draw in (1, 2))
    level = -15 + 1.2 * fractal(cell, 512, 4, key + 1)
    bend = 1.5 * noise(cell, 64, key + 2)
    streaks = np.sin(_phase(cell, wind_turn, 70) + 2 * bend) * np.clip(0.5 + noise(cell, 128, key + 3), 0, 1)
    swell = np.sin(_phase(cell, swell_turn, 24) + bend)
    slick = np.clip(2.5 * (np.abs(fractal(cell, 256, 4, key + 4) + 1.5) * -1 + 0.35), 0, 1)
    vv = level + 0.45 * streaks + 0.35 * swell + 0.25 * noise(cell, 8, key + 5) - 5 * slick
    return np.stack([vv, vv * 0.5 - 18.5 + 0.3 * noise(cell, 64, key + 6)])


def water(cell: Cell, key: int) -> Floats:
    """Sheltered water: rivers and ponds, near the noise floor."""
    calm = 0.7 * noise(cell, 32, key)
    return np.stack([calm - 20, calm * 0.5 - 28])


def fields(cell: Cell, key: int) -> Floats:
    """Strips of parcels with a crop each, turned together in estates of about 1.5 km; hedges along some borders,
    texture within."""
    estates = nearest_seeds(cell, 160, key, wander_px=3)
    along, over = _turned(cell, estates)
    along = along + 1.5 * noise(cell, 64, key + 1)
    over = over + 1.5 * noise(cell, 64, key + 2)
    width = (9 + 22 * uniform(estates.ids, 4) ** 2)[estates.index]
    strip = np.floor(over / width)
    strip_hash = hashed(key + 3, strip, estates.ids[estates.index])
    length = 18 + 50 * uniform(strip_hash, 1)
    place = along / length + uniform(strip_hash, 2)
    parcel = hashed(key + 4, np.floor(place), strip_hash)
    grain = 0.35 * noise(cell, 4, key + 5) + 0.25 * noise(cell, 8, key + 6) + 0.4 * noise(cell, 64, key + 7)
    vv = -11 + 1.9 * normal(parcel) + grain
    vh = vv - 6.8 + 1.2 * normal(parcel, 1) + 0.3 * noise(cell, 8, key + 8)
    vv, vh = _ploughed(vv, vh, parcel, over)
    edge_px = np.minimum((over / width - strip) * width, (place - np.floor(place)) * length)
    hedge = (edge_px < 1) & (uniform(strip_hash, 5) < 0.3)
    track = (edge_px < 1) & (uniform(strip_hash, 5) > 0.75)
    vv = np.where(hedge, -8.5, np.where(track, vv - 3, vv))
    return np.stack([vv, np.where(hedge, -14, np.where(track, vh - 3, vh))])


def forest(cell: Cell, key: int) -> Floats:
    """Canopy with stands of their own height, crowns as K-like (gamma in the large) texture, cuttings and rides."""
    stands = nearest_seeds(cell, 64, key, wander_px=4)
    stand = stands.ids[stands.index]
    crowns = 0.9 * noise(cell, 2, key + 1) + 0.6 * noise(cell, 4, key + 2) + 0.4 * fractal(cell, 32, 3, key + 3)
    vv = -8.3 + 0.5 * normal(stand) + crowns
    vh = -13.4 + 0.6 * normal(stand) + crowns * 1.1
    cut = uniform(stand, 7) < 0.07
    ride = np.abs(level_line_px(cell, 128, key + 4)) < 0.8
    vv = np.where(cut, -12.5 + 0.3 * crowns, vv) - 3.0 * ride
    return np.stack([vv, np.where(cut, -19 + 0.3 * crowns, vh) - 4.0 * ride])


def mountain(cell: Cell, key: int) -> Floats:
    """Ridges seen from the left: facing slopes compressed and bright, back slopes dark, valleys wooded.

    Brightness is the area law sin(i) / sin(i - slope) of a ground-range image times a diffuse cosine of the local
    angle.
    """
    slope = np.zeros((CELL, CELL), np.float32)
    height = np.zeros((CELL, CELL), np.float32)
    for octave in range(6):
        scale = 256 >> octave
        value, _, across = noise_gradient(cell, scale, key + octave)
        # Relief in pixels (10 m): each octave half as high as the one before, on slopes that grow only slowly.
        relief = 36.0 * 0.43**octave
        crest = np.sqrt(value * value + np.float32(0.01))
        height -= relief * crest
        slope -= relief * value / crest * across
    tilt = np.arctan(slope)
    local = _INCIDENCE - tilt
    area = np.sin(_INCIDENCE) / np.maximum(np.abs(np.sin(local)), 0.08)
    diffuse = np.maximum(np.cos(local), 0.02) / np.cos(_INCIDENCE)
    shadow = np.where(local > np.pi / 2 - 0.1, -8.0, 0.0)
    cover = -9.5 + 0.8 * noise(cell, 2, key + 20) + 0.8 * fractal(cell, 64, 4, key + 21) - 0.02 * height
    gain = np.clip(10 * np.log10(area * diffuse), -13, 11) + shadow
    return np.stack([cover + gain, cover - 6 + 0.9 * gain])


def city(cell: Cell, key: int) -> Floats:
    """Districts with a street grid each, brighter where streets run along the track; walls as heavy-tailed points."""
    districts = nearest_seeds(cell, 96, key, wander_px=2)
    along, over = _turned(cell, districts)
    block = (7 + 7 * uniform(districts.ids, 4))[districts.index]
    column, row = along / (block * 1.6), over / block
    street = ((column - np.floor(column)) * block * 1.6 < 1.3) | ((row - np.floor(row)) * block < 1.3)
    built = normal(hashed(key + 1, np.floor(column), np.floor(row)))
    turn = uniform(districts.ids, 3) * np.pi
    cardinal = (5 * np.exp(-((np.sin(2 * turn) / 0.35) ** 2)))[districts.index]
    pixel = hashed(key + 2, cell.rows, cell.cols)
    chance = uniform(pixel, 1)
    wall = 2.6 * normal(pixel, 1) + 10 * np.maximum(chance - 0.75, 0) / 0.25
    vv = -5.5 + 2.0 * built + cardinal + wall + 1.2 * noise(cell, 32, key + 3)
    vv = np.where(uniform(pixel, 2) < 0.012, vv + 8 + 14 * chance * chance, vv)
    vv = np.where(uniform(pixel, 3) < 4e-5, 30 + 14 * chance, vv)
    park = fractal(cell, 64, 3, key + 4) > 1.1
    vv = np.where(street, -13 + 0.6 * wall, vv)
    vv = np.where(park, -10 + 0.4 * wall, vv)
    vh = vv - 6.5 - 0.25 * cardinal - np.maximum(vv, 0) * 0.15 + 1.5 * normal(pixel, 2)
    return np.stack([vv, vh])


def _phase(cell: Cell, turn: float, length_px: float) -> Floats:
    """Phase of a plane wave; whole turns are taken off in float64, so that it holds far from the origin."""
    wave = 2 * np.pi / length_px
    down = np.mod(cell.rows.astype(np.float64) * (wave * np.sin(turn)), 2 * np.pi)
    across = np.mod(cell.cols.astype(np.float64) * (wave * np.cos(turn)), 2 * np.pi)
    found: Floats = down.astype(np.float32) + across.astype(np.float32)
    return found


def _turned(cell: Cell, seeds: Seeds) -> tuple[Floats, Floats]:
    """Coordinates of every pixel from its seed, turned by the seed's own angle."""
    turn = uniform(seeds.ids, 3) * np.float32(np.pi)
    down, across = cell.rows - seeds.rows[seeds.index], cell.cols - seeds.cols[seeds.index]
    cosine, sine = np.cos(turn)[seeds.index], np.sin(turn)[seeds.index]
    return across * cosine + down * sine, down * cosine - across * sine


def _ploughed(vv: Floats, vh: Floats, parcel: Integers, over: Floats) -> tuple[Floats, Floats]:
    """Tramlines and beds across some parcels: a weak comb of 4 to 7 pixels, stronger in VV."""
    comb = np.sin(over * (2 * np.pi / (4 + 3 * uniform(parcel, 21)))) * np.maximum(uniform(parcel, 22) - 0.6, 0) * 2
    return vv + comb, vh + 0.5 * comb
