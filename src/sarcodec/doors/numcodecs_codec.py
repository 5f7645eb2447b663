"""The codec of Zarr version 2, by numcodecs: each chunk is a compressed file, which is decoded whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from numcodecs.abc import Codec
from numcodecs.compat import ensure_bytes, ensure_contiguous_ndarray_like, ensure_ndarray_like

from sarcodec.doors.chunks import decoded, encoded, settings_of
from sarcodec.errors import InvalidArgument


class SarcodecV2(Codec):
    """`zarr.create_array(..., zarr_format=2, compressors=SarcodecV2(quality=60, domain="amplitude", nodata=0))`.

    Settings are those of SarcodecCodec, and nodata: numcodecs is not told the array's fill value.
    """

    codec_id = "sarcodec"

    def __init__(self, nodata: float | None = None, **settings: Any) -> None:
        self._nodata, self._settings = nodata, settings_of(settings)

    def get_config(self) -> dict[str, Any]:
        """For the metadata of an array."""
        own = {} if self._nodata is None else {"nodata": self._nodata}
        return {"id": self.codec_id, **own, **self._settings.words}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SarcodecV2:
        """Of the metadata of an array. Raises InvalidArgument."""
        return cls(**config)

    def encode(self, buf: Any) -> bytes:
        """A chunk, with its shape."""
        array = np.asarray(ensure_ndarray_like(buf))
        if array.ndim < 2:
            raise InvalidArgument(
                "the chunk came without its shape; let sarcodec be the only compressor, without filters before it"
            )
        return encoded(array, self._settings, self._nodata)

    def decode(self, buf: Any, out: Any = None) -> Any:
        """The chunk; into `out`, where it is given."""
        found = decoded(ensure_bytes(buf), self._settings, None, None)
        if out is None:
            return found
        target = ensure_contiguous_ndarray_like(out)
        target.view("u1").reshape(-1)[:] = found.view("u1").reshape(-1)
        return out
