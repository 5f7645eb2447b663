"""Zarr: the codecs for versions 3 and 2 of the format, `metadata` of a file as one array, and a parser for VirtualiZarr; see docs/how-to/zarr.md."""

from sarcodec.doors.extras import needs

with needs("zarr"):
    from sarcodec.doors.numcodecs_codec import SarcodecV2
    from sarcodec.doors.zarr_array import SarcodecParser, metadata
    from sarcodec.doors.zarr_codec import SarcodecCodec

__all__ = ["SarcodecCodec", "SarcodecParser", "SarcodecV2", "metadata"]
