"""The scenes of the golden files, by name: small, and of every kind that a file may hold."""

from collections.abc import Callable

import numpy as np

VERSION = 1


Scene = tuple[np.ndarray, dict, dict]
"""Pixels (bands, rows, cols), keywords of SceneInfo, keywords of compress."""


def speckle(seed: int, bands: int, rows: int, cols: int) -> np.ndarray:
    """Power (bands, rows, cols) float64: a slope, a bright square and speckle of four looks."""
    random = np.random.default_rng(seed)
    base = np.exp(-np.arange(rows)[:, None] / 60 - np.arange(cols)[None] / 90)
    base[rows // 3 : rows // 3 + 9, cols // 4 : cols // 4 + 11] *= 30
    return base * random.gamma(4, 0.25, (bands, rows, cols))


def uint16_border() -> Scene:
    pixels = np.rint(300 * np.sqrt(speckle(1, 1, 90, 100))).clip(1, 65535).astype(np.uint16)
    pixels[:, :, :13], pixels[:, 80:, 60:] = 0, 0
    points = [
        (0, 0, 10.0, 50.0, 3.25),
        (0, 99, 10.2, 50.0, 812.5),
        (89, 0, 10.0, 49.9, -41.0),
        (89, 99, 10.2, 49.9, 7.0),
    ]
    return pixels, {"gcps": points, "gcp_crs_wkt": "EPSG:4326", "descriptions": ("VV",)}, {"quality": 60}


def float32_db_nan() -> Scene:
    pixels = (10 * np.log10(speckle(2, 1, 75, 101)) - 12).astype(np.float32)
    pixels[:, 20:31, 40:63] = np.nan
    pixels.view(np.uint32)[0, 5, 5:8] = (0x7FC12345, 0xFFC00001, 0x7F800000)
    about = {"transform": (10.0, 0.0, 500000.0, 0.0, -10.0, 5600000.0), "crs_wkt": "EPSG:32633", "units": ("dB",)}
    return pixels, about, {"quality": 55, "domain": "db"}


def float32_power() -> Scene:
    pixels = (0.05 * speckle(3, 1, 64, 96)).astype(np.float32)
    pixels[:, 10:14, 10:50], pixels[:, 40, 40:60], pixels[:, 50, 7], pixels[:, 51, 7] = -0.003, np.inf, -0.0, -np.inf
    pixels[:, 52:54, :9] = -9999
    pixels.view(np.uint32)[0, 60, :3] = (0x7FC00001, 0x00000001, 0x80000001)
    return pixels, {"nodata": (-9999.0,), "tags": (("", (("UNIT", "sigma0"),)),)}, {"quality": 62, "domain": "power"}


def uint8_amplitude() -> Scene:
    return np.rint(60 * np.sqrt(speckle(4, 1, 70, 70))).clip(0, 255).astype(np.uint8), {}, {"quality": 66}


def int16_amplitude() -> Scene:
    pixels = np.rint(900 * np.sqrt(speckle(5, 1, 61, 130))).clip(1, 32767).astype(np.int16)
    pixels[:, :5], pixels[:, 30, 30:40] = -32768, -7
    return pixels, {"nodata": (-32768.0,)}, {"quality": 50, "domain": "amplitude"}


def two_bands_two_tiles() -> Scene:
    pixels = (
        np.rint(200 * np.sqrt(speckle(6, 2, 40, 530)) * np.array([1, 0.3])[:, None, None])
        .clip(1, 65535)
        .astype(np.uint16)
    )
    pixels[1, :, 512:] = 0
    return pixels, {"descriptions": ("VV", "VH")}, {"quality": 35}


def two_bands_effort_2() -> Scene:
    """Half of it is no speckle: there scales are shifted; the large trellis pays everywhere."""
    pixels = 400 * np.sqrt(speckle(21, 2, 96, 130))
    pixels[:, :, 64:] = 300 * np.exp(np.arange(66) / 40) * (1 + 0.5 * np.sign(np.sin(np.arange(96) / 3)))[:, None]
    return (
        np.rint(pixels).clip(1, 65535).astype(np.uint16),
        {"descriptions": ("VV", "VH")},
        {"quality": 50, "effort": 2},
    )


def uint16_effort_3() -> Scene:
    pixels = 400 * np.sqrt(speckle(22, 1, 64, 64))
    pixels[:, 32:] = 100 * (1 + np.arange(64) // 5 % 2 * 3)
    return np.rint(pixels).clip(1, 65535).astype(np.uint16), {}, {"quality": 60, "effort": 3}


def bounded_uint16() -> Scene:
    pixels = np.rint(150 * np.sqrt(speckle(7, 1, 90, 110))).clip(1, 65535).astype(np.uint16)
    pixels[:, :9, :40], pixels[:, 50, 50:53] = 0, (1, 65535, 2)
    return pixels, {}, {"max_error_db": 0.5}


def bounded_float32_power() -> Scene:
    return *float32_power()[:2], {"max_error_db": 1, "domain": "power"}


def bounded_float32_db() -> Scene:
    return *float32_db_nan()[:2], {"max_error_db": 0.25, "domain": "db"}


def lossless_int16() -> Scene:
    return *int16_amplitude()[:2], {"lossless": True, "domain": "amplitude"}


def lossless_float32() -> Scene:
    pixels, about, _ = float32_power()
    return pixels[:, 40:62, 20:80].copy(), about, {"lossless": True, "domain": "power"}


def scaled_db_uint8() -> Scene:
    pixels = np.rint((10 * np.log10(0.05 * speckle(8, 2, 60, 70)) + 50) / 0.2).clip(1, 255).astype(np.uint8)
    pixels[:, :7] = 0
    about = {"scales": (0.2, 0.2), "offsets": (-50.0, -50.0), "units": ("dB", "dB"), "nodata": (0.0, 0.0)}
    return pixels, about, {"quality": 58}


def bounded_scaled_db_int16() -> Scene:
    pixels = np.rint(1000 * np.log10(0.05 * speckle(9, 1, 60, 70))).astype(np.int16)
    return pixels, {"scales": (0.01,), "units": ("dB",)}, {"max_error_db": 0.3}


def angle_beside_two_bands() -> Scene:
    power = 10 * np.log10(0.05 * speckle(10, 2, 70, 530))
    angle = 30 + np.arange(70)[:, None] / 500 + np.arange(530)[None] / 50
    pixels = np.concatenate([power, angle[None]]).astype(np.float32)
    pixels[:, :, 500:] = np.nan
    return pixels, {"descriptions": ("VV", "VH", "angle")}, {"quality": 55}


def float64_power() -> Scene:
    pixels = 0.05 * speckle(11, 1, 64, 64)
    pixels[:, :3] = -9999
    return pixels, {"units": ("linear",)}, {"quality": 60, "domain": "power"}


def exact_int32() -> Scene:
    pixels = (np.arange(60)[None, :, None] // 20 * 70_000 - np.arange(70)[None, None] // 9).astype(np.int32)
    return np.concatenate([pixels, 2 * pixels]), {"descriptions": ("class", "mask")}, {"exact_bands": (1, 2)}


def masked_uint16() -> Scene:
    pixels = np.rint(200 * np.sqrt(speckle(12, 2, 90, 110))).clip(1, 65535).astype(np.uint16)
    pixels[:, 20:60, 30:50] = 65535
    return pixels, {"mask": "dataset"}, {"quality": 55}


def uint16_effort_0() -> Scene:
    return uint16_border()[0], {}, {"quality": 45, "effort": 0}


def uint16_empty_tiles() -> Scene:
    """Of three tiles the second and the third have no valid pixel near, and nothing but a mask."""
    pixels = np.rint(250 * np.sqrt(speckle(13, 1, 33, 1040))).clip(1, 65535).astype(np.uint16)
    pixels[:, :, 130:] = 0
    return pixels, {}, {"quality": 50}


def int8_db() -> Scene:
    return np.rint(10 * np.log10(speckle(14, 1, 64, 50)) - 12).clip(-120, 100).astype(np.int8), {}, {"domain": "db"}


def int32_amplitude() -> Scene:
    pixels = np.rint(70_000 * np.sqrt(speckle(15, 1, 40, 64))).clip(1).astype(np.int32)
    pixels[:, 3, :9] = -1
    return pixels, {}, {"quality": 55, "domain": "amplitude"}


def uint32_power() -> Scene:
    return np.rint(9e5 * speckle(16, 1, 40, 64)).clip(1).astype(np.uint32), {}, {"quality": 52, "domain": "power"}


def bounded_float64_power() -> Scene:
    return *float64_power()[:2], {"max_error_db": 0.8, "domain": "power"}


def with_attachments() -> Scene:
    pixels = np.rint(300 * np.sqrt(speckle(17, 1, 40, 40))).clip(1, 65535).astype(np.uint16)
    named = {
        "annotation/iw-vv.xml": b"<product><heading>348.2</heading></product>\n" * 40,
        "preview/quick-look.bin": np.random.default_rng(18).bytes(70),
        "notes/\u00e9t\u00e9.txt": b"",
    }
    return pixels, {}, {"quality": 40, "attachments": named}


def tiny() -> Scene:
    """The example of docs/format.md, 20."""
    pixels = np.rint(300 * np.sqrt(speckle(20, 1, 5, 7))).clip(1, 65535).astype(np.uint16)
    pixels[:, 0] = 0
    return pixels, {"descriptions": ("VV",)}, {"quality": 10, "attachments": {"note.txt": b"example"}}


def of_many_blocks() -> Scene:
    """Eighteen entries; constructed with blocks of sixteen."""
    pixels = (np.arange(20)[None, :, None] // 7 + np.arange(4400)[None, None] // 800).astype(np.uint8)
    return np.concatenate([pixels, 3 * pixels]), {"descriptions": ("class", "state")}, {"exact_bands": (1, 2)}


def of_a_later_release() -> Scene:
    """Constructed: records and sections that this version does not know and may skip."""
    pixels = np.rint(300 * np.sqrt(speckle(19, 2, 40, 40))).clip(1, 65535).astype(np.uint16)
    return pixels, {"descriptions": ("VV", "VH")}, {"quality": 40}


def named(*makes: Callable[[], Scene]) -> dict[str, Callable[[], Scene]]:
    return {f"v{VERSION}-{make.__name__.replace('_', '-')}": make for make in makes}


SCENES = named(
    uint16_border, float32_db_nan, float32_power, uint8_amplitude, int16_amplitude, two_bands_two_tiles,
    scaled_db_uint8, angle_beside_two_bands, float64_power, exact_int32, masked_uint16, uint16_effort_0, two_bands_effort_2, uint16_effort_3, uint16_empty_tiles, int8_db,
    int32_amplitude, uint32_power, with_attachments, tiny, of_many_blocks, of_a_later_release,
)  # fmt: skip
PROMISED = named(
    bounded_uint16, bounded_float32_power, bounded_float32_db, lossless_int16, lossless_float32, bounded_scaled_db_int16,
    bounded_float64_power,
)  # fmt: skip
"""Files that keep a bound, and lossless ones: decoded with the extra `bounded`, to the same bits on every machine."""
