"""Bytes packed by raw deflate or raw LZMA2, and unpacked within a limit (docs/format.md, 7). Knows no meaning of them."""

import lzma
import zlib

from sarcodec.errors import CorruptFile

_LZMA_CHAIN = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20, "lc": 0, "lp": 0, "pb": 0, "preset": 6}]


def deflate(data: bytes) -> bytes:
    """Raw deflate (RFC 1951) at its smallest."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def lzma2(data: bytes) -> bytes:
    """Raw LZMA2 of the format's one chain."""
    return lzma.compress(data, lzma.FORMAT_RAW, filters=_LZMA_CHAIN)


def inflate(body: bytes, limit: int, *, by_lzma: bool, what: str) -> bytes:
    """At most `limit` bytes, and memory for no more. Raises CorruptFile, which names `what`, where they do not end with `body`."""
    inflater: zlib._Decompress | lzma.LZMADecompressor
    try:
        inflater = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_LZMA_CHAIN) if by_lzma else zlib.decompressobj(-15)
        found = inflater.decompress(body, limit + 1)
    except (zlib.error, lzma.LZMAError, EOFError) as error:
        raise CorruptFile(f"{what} of a tile does not inflate ({error}); the file is damaged") from error
    if not inflater.eof or inflater.unused_data or len(found) > limit:
        raise CorruptFile(
            f"{what} of a tile inflates to too much, or does not end where it should; the file is damaged"
        )
    return found
