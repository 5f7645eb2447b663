"""The codec of Zarr version 3: each chunk is a compressed file, also where that is a whole scene in one chunk, of which only parts are decoded.

In: chunks as zarr-python hands them over, and ways to get ranges of their bytes; out: arrays, and bytes. Decoding runs in threads of its own, while
zarr's loop fetches: zarr's threads are what its stores read with, and would wait for themselves.
"""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.abc.codec import ArrayBytesCodec, ArrayBytesCodecPartialDecodeMixin
from zarr.abc.store import RangeByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.common import parse_named_configuration

from sarcodec.api.scene import Scene
from sarcodec.doors.chunk_selection import selected
from sarcodec.doors.chunks import Settings, check_chunk, check_shape, decoded, encoded, settings_of
from sarcodec.errors import InvalidArgument
from sarcodec.format.container import head_length, unpack_head
from sarcodec.format.ranged import FIRST_BYTES, RangedSource
from sarcodec.format.reader import FileReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = "sarcodec"
SCENES_KEPT, SCENE_BYTES = 4, 512 << 20
"""Files whose decoded tiles are kept in this process, and what each may take."""
_ALONE_PX = 2048**2  # chunks up to that size are decoded by one thread each: there are many


class SarcodecCodec(ArrayBytesCodec, ArrayBytesCodecPartialDecodeMixin):
    """`zarr.create_array(..., serializer=SarcodecCodec(quality=60, domain="amplitude"), compressors=None)`; see doors/chunks.py for the settings.

    Pixels that equal the array's fill value come back as they were.
    """

    is_fixed_size = False

    def __init__(self, **settings: Any) -> None:
        self.settings = settings_of(settings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SarcodecCodec) and self.settings == other.settings

    def __hash__(self) -> int:
        return hash(self.settings)

    def __repr__(self) -> str:
        return f"SarcodecCodec({', '.join(f'{name}={value!r}' for name, value in self.settings.words.items())})"

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SarcodecCodec:
        """Of the metadata of an array. Raises InvalidArgument."""
        _, words = parse_named_configuration(data, NAME, require_configuration=False)
        return cls(**(words or {}))

    def to_dict(self) -> dict[str, Any]:
        """For the metadata of an array."""
        return {"name": NAME, "configuration": self.settings.words}

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
        """Not known before a chunk is coded."""
        raise NotImplementedError

    def validate(self, *, shape: tuple[int, ...], dtype: Any, chunk_grid: Any) -> None:
        """Raises InvalidArgument for arrays whose chunks are no scenes."""
        check_shape(tuple(getattr(chunk_grid, "chunk_shape", shape)), dtype.to_native_dtype())

    async def _decode_single(self, chunk_data: Any, chunk_spec: Any) -> Any:
        kind = chunk_spec.dtype.to_native_dtype()
        array = await _in_thread(decoded, chunk_data.to_bytes(), self.settings, chunk_spec.shape, kind)
        return chunk_spec.prototype.nd_buffer.from_numpy_array(array)

    async def _encode_single(self, chunk_data: Any, chunk_spec: Any) -> Any:
        fill = float(chunk_spec.fill_value) if chunk_spec.fill_value is not None else None
        data = await _in_thread(encoded, chunk_data.as_numpy_array(), self.settings, fill)
        return chunk_spec.prototype.buffer.from_bytes(data)

    async def _decode_partial_single(self, byte_getter: Any, selection: tuple[Any, ...], chunk_spec: Any) -> Any:
        first = await byte_getter.get(default_buffer_prototype(), RangeByteRequest(0, FIRST_BYTES))
        if first is None:
            return None  # there is no such chunk
        loop = asyncio.get_running_loop()
        array = await _in_thread(self._part, first.to_bytes(), (byte_getter, loop), selection, chunk_spec)
        return chunk_spec.prototype.nd_buffer.from_numpy_array(array)

    def _part(self, first: bytes, way: tuple[Any, Any], selection: tuple[Any, ...], spec: Any) -> NDArray[Any]:
        """What is selected of a chunk."""
        kind = spec.dtype.to_native_dtype()
        threads = 1 if np.prod(spec.shape, dtype=float) <= _ALONE_PX else None
        scene = _scene(first, way, self.settings, threads)
        check_chunk(scene.array_shape, scene.dtype, spec.shape, kind)

        def read(band: int, rows: slice, cols: slice) -> NDArray[Any]:
            found: NDArray[Any] = scene.read(band + 1, window=(rows, cols))
            return found

        return np.ascontiguousarray(selected(selection, spec.shape, scene.dtype, read))


class ChunkSource(RangedSource):
    """Bytes of a chunk by ranges. first: those that were read already; way: zarr's getter of bytes, and the loop on which it runs. The size stands
    in the head, `head`: stores do not tell it."""

    def __init__(self, first: bytes, way: tuple[Any, Any]) -> None:
        super().__init__("a chunk")
        self.way, self._held, self.size = way, ((0, first),), len(first)
        length = head_length(first[:10])
        if len(first) == FIRST_BYTES:
            if length > len(first):
                first += self._get(len(first), length - len(first))
                self._held = ((0, first),)
            self.size = length + unpack_head(first)[1].total_bytes
        self.head = first[:length]

    def _ask(self, offset: int, length: int) -> bytes:
        getter, loop = self.way
        request = getter.get(default_buffer_prototype(), RangeByteRequest(offset, offset + length))
        answer = asyncio.run_coroutine_threadsafe(request, loop).result()
        return b"" if answer is None else bytes(answer.to_bytes())

    def again(self) -> str | bytes:
        """Not possible."""
        raise InvalidArgument("a chunk of a Zarr array cannot be pickled; pickle the array")


_scenes: OrderedDict[tuple[Any, ...], tuple[ChunkSource, Scene]] = OrderedDict()
_lock = threading.Lock()


def _scene(first: bytes, way: tuple[Any, Any], settings: Settings, threads: int | None) -> Scene:
    """The open file of a chunk. Those with the same head are the same file, wherever they lie: it holds the checksum of all else."""
    source = ChunkSource(first, way)
    key = source.head, settings.reconstruct, settings.speckle
    with _lock:
        if key in _scenes:
            _scenes[key][0].way = way  # the store by which it was found before may be closed
        else:
            how: dict[str, Any] = {"reconstruct": settings.reconstruct, "speckle": settings.speckle}
            _scenes[key] = source, Scene(FileReader(source), threads=threads, memory=SCENE_BYTES, **how)
        _scenes.move_to_end(key)
        while len(_scenes) > SCENES_KEPT:
            _scenes.popitem(last=False)
        return _scenes[key][1]


@dataclass
class _Pool:
    """Threads of this process; a forked one has none of its parent's."""

    process: int = -1
    threads: ThreadPoolExecutor | None = None


_pool = _Pool()


async def _in_thread(function: Any, *arguments: Any) -> Any:
    if _pool.threads is None or _pool.process != os.getpid():
        _pool.process, _pool.threads = os.getpid(), ThreadPoolExecutor(os.cpu_count(), "sarcodec-zarr")
    return await asyncio.get_running_loop().run_in_executor(_pool.threads, functools.partial(function, *arguments))
