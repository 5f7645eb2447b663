"""A compressed file, opened lazily: what it says at once, pixels by window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sarcodec.api.asked import asked_window, chosen_bands, chosen_indexes, is_several, is_window
from sarcodec.api.calibrated import Tables
from sarcodec.api.choices import Calibrate, Compressed, Indexes, Reconstruct, Reduce, Speckle, WindowLike
from sarcodec.api.description import Description
from sarcodec.api.indexing import select
from sarcodec.api.memory import DEFAULT_MEMORY, checked_memory, decoding_shares
from sarcodec.api.shown import as_html, as_line
from sarcodec.api.validity import VALID, holds, mask_plane, of_alpha, of_nodata, validity_kind
from sarcodec.api.view import View, reduced_view
from sarcodec.decoding.reconstruction import Reconstruction
from sarcodec.decoding.reduced_scene import ReducedSceneDecoder
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.decoding.workers import workers
from sarcodec.errors import InvalidArgument
from sarcodec.format.claims import Claims, unpack_claims
from sarcodec.format.reader import FileReader
from sarcodec.format.tiling import Window, overlap
from sarcodec.products.layout import Product, product_of


class Scene(Description):
    """A compressed file, opened lazily: what it says at once, pixels by window. Use it in a `with`.

    It has the properties and the methods of a rasterio dataset, and can be indexed like a NumPy array. Who counts how:

    | What | Bands | Rows and columns | Order |
    |---|---|---|---|
    | `indexes`, `read`, `read_masks`, `tags`, `decode`, `decompress` | from 1 | | |
    | `window=` | | from 0, no negative numbers | rasterio's `Window(col_off, row_off, width, height)`; slices and pairs: rows, columns |
    | `scene[band, rows, cols]` | from 0, also negative | from 0, also negative, with steps | bands, rows, columns |
    | `shape` | | | height, width |
    | `array_shape`, `np.asarray(scene)`, `read()` | | | bands, rows, columns |

    Safe for threads, and for processes that are forked or to which it is pickled: there, and in a copy, it is opened again by its
    path (which must hold the same file) or with its bytes; one of a file object is refused. What a scene says of itself is there
    after `close`, its pixels are not. Opening and reading import no rasterio; the properties whose values are rasterio's objects
    do when they are asked. Raises InvalidArgument for what has no meaning, and FormatError's kin for damage.
    """

    __iter__ = None  # `shape` is (height, width), as rasterio's: a walk along the bands would surprise

    def __init__(
        self,
        path: Compressed | FileReader,
        *,
        threads: int | None = None,
        memory: int = DEFAULT_MEMORY,
        reconstruct: Reconstruct = "power",
        speckle: Speckle = "keep",
    ) -> None:
        self._settings = {"threads": threads, "memory": memory, "reconstruct": reconstruct, "speckle": speckle}
        wanted, shares = Reconstruction(reconstruct, speckle), decoding_shares(checked_memory(memory), threads)
        self._threads, self._room = shares.threads, shares.tiles
        self._file = path if isinstance(path, FileReader) else FileReader(path)
        try:
            self._decoder = SceneDecoder(self._file, shares.tiles, wanted)
        except BaseException:
            self._file.close()
            raise
        self._info, self._fields = self._decoder.info, self._file.header.bands
        self._tables = Tables(self._file)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (*self._file.__reduce__(), self._settings)

    def __repr__(self) -> str:
        return as_line(self._file, self._info)

    def _repr_html_(self) -> str:
        return as_html(self._file, self._info)

    @property
    def name(self) -> str:
        """The path as it was given."""
        return self._file.name

    @property
    def claims(self) -> Claims | None:
        """What the encoder was asked for and what it measured; None where the file says nothing of it."""
        return unpack_claims(self._file.header.claims, self._info.count)

    @property
    def attachments(self) -> tuple[str, ...]:
        """Names of the attachments, relative paths with '/' between their parts."""
        return tuple(record.name for record in self._file.header.attachments)

    def attachment(self, name: str) -> bytes:
        """The bytes of an attachment. Raises InvalidArgument where there is none of that name, CorruptFile."""
        return self._file.attachment(name)

    @property
    def product(self) -> Product | None:
        """The product that the file holds: name, mission, mode, polarisations; None where it holds a scene alone. Raises CorruptFile."""
        return product_of(self._file)

    def read(
        self,
        indexes: Indexes | None = None,
        *,
        window: WindowLike | None = None,
        out: NDArray[Any] | None = None,
        masked: bool = False,
        bands: Indexes | None = None,
        reduce: Reduce | None = None,
        calibrate: Calibrate | None = None,
    ) -> NDArray[Any]:
        """Pixels in the scene's dtype: (rows, cols) of one band, (bands, rows, cols) of several.

        Args:
            indexes: a band, from 1, or several in the order in which they are wanted; default all.
            window: rasterio.windows.Window, a pair of slices, or ((row_start, row_stop), (col_start, col_stop)); default all.
            out: an array of the right shape that is filled and returned. Pixels must fit its dtype.
            masked: a numpy.ma.MaskedArray, in which invalid pixels are masked, as `read_masks` tells them.
            bands: bands counted from 0, instead of `indexes`; always (bands, rows, cols). For programs of before rasterio's
                counting, as is a window in the first place.
            reduce: 8, 16 or 32: so many pixels become one along each side, of their mean power (of exact bands the one in their middle).
                Learned bands take a small part of the file and of the time for that. The window is still of pixels; what comes are the
                reduced pixels that it touches.
            calibrate: 'sigma0', 'beta0' or 'gamma0': backscatter as linear power in float32, by the look-up tables of the product that the file
                holds, interpolated bilinearly; NaN where `read_masks` tells that there is none. Of reduced pixels the tables are taken in
                their middle.

        Raises:
            InvalidArgument: for a window or band that the scene has not, for another `out`, for tables that are not there, and once the scene
                is closed.
            FormatError: one of its kinds, where the file is damaged.
        """
        if is_window(indexes) and window is None:
            indexes, window = None, indexes
        if indexes is not None and bands is not None:
            raise InvalidArgument("both indexes (from 1) and bands (from 0) were given; expected one of them")
        count = self._info.count
        chosen = chosen_indexes(indexes, count) if bands is None else chosen_bands(bands, count)
        flat = indexes is not None and not is_several(indexes)
        view = self._view(window, reduce)
        if calibrate is not None:
            return self._backscatter(chosen, view, flat, out, masked, calibrate)
        target = self._target(out, chosen, view.window, flat, self.dtype)
        self._gather(chosen, view, target[None] if flat else target)
        return self._masked(target, chosen, view, flat) if masked else target

    def read_masks(
        self, indexes: Indexes | None = None, *, window: WindowLike | None = None, reduce: Reduce | None = None
    ) -> NDArray[np.uint8]:
        """Validity of pixels, uint8: 255 is valid, 0 is not; (rows, cols) of one band, (bands, rows, cols) of several.

        It comes from the scene's mask, or else from nodata, or else from an alpha band; see `mask_flag_enums`.
        indexes, window, reduce and errors as in `read`. A reduced pixel is masked where all of its pixels are.
        """
        chosen, view = chosen_indexes(indexes, self._info.count), self._view(window, reduce)
        masks = np.stack([self._validity(band, view) for band in chosen])
        return masks if indexes is None or is_several(indexes) else masks[0]

    def dataset_mask(self, *, window: WindowLike | None = None, reduce: Reduce | None = None) -> NDArray[np.uint8]:
        """Validity (rows, cols) of all bands at once, uint8: 255 where a band is valid, 0 where none is. window and reduce as in `read`."""
        view, kind = self._view(window, reduce), validity_kind(self._info, 0)
        if kind in ("per_dataset", "alpha"):
            return self._validity(0, view)
        found: NDArray[np.uint8] = np.maximum.reduce([self._validity(band, view) for band in range(self._info.count)])
        return found

    def __getitem__(self, index: object) -> NDArray[Any]:
        """As NumPy would index `np.asarray(scene)`, of which only the tiles are decoded that are touched.

        Whole numbers, slices with steps, `...`, and a list of bands. Raises InvalidIndex (an IndexError) outside the scene,
        InvalidArgument for other kinds of an index.
        """
        chosen = select(index, self.array_shape)
        if chosen.window is None:
            return np.empty(chosen.shape, self.dtype)
        found = np.empty((len(chosen.bands), *chosen.window.shape), self.dtype)
        self._gather(chosen.bands, View(self._decoder, chosen.window), found)
        return np.ascontiguousarray(found[chosen.rest]).reshape(chosen.shape)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """All pixels (bands, rows, cols)."""
        if copy is False:
            raise ValueError("the pixels of a compressed scene are decoded into a new array; leave copy=False out")
        return self.read().astype(self.dtype if dtype is None else dtype, copy=False)

    def close(self) -> None:
        """Give the file back. A second time does nothing."""
        self._file.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._file.closed

    def __enter__(self) -> Scene:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _view(self, window: object, reduce: object) -> View:
        place = asked_window(window, self._info.rows, self._info.cols)
        return View(self._decoder, place) if reduce is None else reduced_view(self._decoder, place, reduce, self._room)

    def _backscatter(
        self, chosen: list[int], view: View, flat: bool, out: NDArray[Any] | None, masked: bool, kind: object
    ) -> NDArray[Any]:
        """As `read` of linear power; band by band, so that no more than one band of DN is in memory beside it."""
        target = self._target(out, chosen, view.window, flat, np.dtype(np.float32))
        side = view.decoder.side if isinstance(view.decoder, ReducedSceneDecoder) else 1
        for layer, band in zip(target[None] if flat else target, chosen):
            pixels = self._pixels(band, view)
            layer[...] = self._tables.apply(pixels, band, kind, view.window, side)
            layer[self._validity(band, view, pixels) == 0] = np.nan
        return np.ma.MaskedArray(target, mask=np.isnan(target), fill_value=np.nan) if masked else target

    def _target(
        self, out: NDArray[Any] | None, chosen: list[int], place: Window, flat: bool, dtype: np.dtype[Any]
    ) -> NDArray[Any]:
        """The array to fill: the caller's, if it will do."""
        shape = place.shape if flat else (len(chosen), *place.shape)
        if out is None:
            return np.empty(shape, dtype)
        if not isinstance(out, np.ndarray) or out.shape != shape or not np.can_cast(dtype, out.dtype):
            found = f"{out.dtype} of shape {out.shape}" if isinstance(out, np.ndarray) else repr(out)
            raise InvalidArgument(f"out is {found}; expected an array of shape {shape} that holds {dtype}")
        return out

    def _gather(self, planes: Sequence[int], view: View, out: NDArray[Any]) -> None:
        """Fill out (planes, rows, cols) from the tiles that a view's window touches. planes: bands, and masks behind them, from 0."""
        if self.closed:
            raise InvalidArgument(f"the scene {self._file.name} is closed; open it again, or read it within its `with`")
        decoder, window = view.decoder, view.window

        def decoded(place: tuple[int, int]) -> tuple[int, int, NDArray[Any]]:
            return *place, decoder.tile_plane(place[0], planes[place[1]], window)

        with workers(self._threads) as pool:
            for tile, i, pixels in pool.map(decoded, decoder.walk(window, planes, self._threads)):
                whole = decoder.grid.window(tile)
                shared = overlap(whole, window)
                assert shared is not None  # the tile was chosen because it shares a pixel
                out[i][shared.within(window)] = pixels[shared.within(whole)]

    def _pixels(self, band: int, view: View) -> NDArray[Any]:
        out = np.empty((1, *view.window.shape), self.dtype)
        self._gather([band], view, out)
        return out.reshape(view.window.shape)

    def _validity(self, band: int, view: View, pixels: NDArray[Any] | None = None) -> NDArray[np.uint8]:
        """255 and 0 of a band (from 0), whose pixels may be at hand."""
        kind = validity_kind(self._info, band)
        if kind == "nodata":
            return of_nodata(self._pixels(band, view) if pixels is None else pixels, self._info.nodata[band])
        if kind == "alpha":
            return of_alpha(self._pixels(self._info.count - 1, view))
        out = np.full((1, *view.window.shape), VALID, np.uint8)
        if kind in ("per_dataset", "own"):
            self._gather([self._info.count + mask_plane(self._info, band)], view, out)
        return out.reshape(view.window.shape)

    def _masked(self, pixels: NDArray[Any], chosen: list[int], view: View, flat: bool) -> NDArray[Any]:
        """Fill value: the nodata of all bands, where it is one."""
        layers = [pixels] if flat else list(pixels)
        hidden = [self._validity(band, view, layer) == 0 for band, layer in zip(chosen, layers)]
        fill, alike = self._info.nodata[0], len(set(map(repr, self._info.nodata))) == 1
        fill = fill if fill is not None and alike and holds(self.dtype, fill) else None
        return np.ma.MaskedArray(pixels, mask=hidden[0] if flat else np.stack(hidden), fill_value=fill)


def _reopened(open_file: Callable[..., FileReader], arguments: tuple[Any, ...], settings: dict[str, Any]) -> Scene:
    return Scene(open_file(*arguments), **settings)


def open(
    path: Compressed,
    *,
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
    reconstruct: Reconstruct = "power",
    speckle: Speckle = "keep",
) -> Scene:
    """Open a compressed file lazily, as a Scene.

    Args:
        path: of the file; or its bytes, or a file object in binary mode, which stays the caller's to close.
        threads: how many tiles are decoded at once; default one a core.
        memory: bytes that the process may take beside the arrays that it gives, at least 256 MiB (default: 1 GiB): tiles that were
            decoded are kept within them for the windows beside.
        reconstruct: 'power' (pixels of unbiased power) or 'log' (the least squared error in dB).
        speckle: 'keep', or 'restore' what was lost of it (made up, of the right strength and spectrum).

    Raises:
        InvalidArgument: where the path cannot be opened, or an argument has no meaning.
        FormatError: one of its kinds, where the bytes are damaged or no sarcodec file.
        ModelError: where the file needs a model that is not here.
    """
    return Scene(path, threads=threads, memory=memory, reconstruct=reconstruct, speckle=speckle)
