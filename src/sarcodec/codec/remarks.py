"""What a file says of its making that no reader of pixels needs: why each band was taken as what it is. Text to a few bytes and back."""

from __future__ import annotations

import json
import zlib

from sarcodec.errors import CorruptFile

LONGEST = 1 << 20  # bytes before compression
_WHY = "why"
_USUAL = b'{"why":["whole numbers without a declaration count as amplitude"]}'  # zlib's preset dictionary (docs/format.md, 3.2)


def pack_remarks(why: tuple[str, ...]) -> bytes:
    """A sentence a band as compressed JSON; one for all where they are the same."""
    said = why[:1] if len(set(why)) == 1 else why
    text = json.dumps({_WHY: said}, separators=(",", ":"), sort_keys=True).encode("ascii")
    packer = zlib.compressobj(9, zdict=_USUAL)
    return packer.compress(text) + packer.flush()


def unpack_remarks(data: bytes, count: int) -> tuple[str, ...]:
    """The sentences of `pack_remarks`, '' for bands of which nothing is said. Unknown keys are skipped. Raises CorruptFile."""
    if not data:
        return ("",) * count
    try:
        inflater = zlib.decompressobj(zdict=_USUAL)
        text = inflater.decompress(data, LONGEST)
        said = json.loads(text.decode("ascii")).get(_WHY, [])
        why = tuple(str(sentence) for sentence in said)
    except (zlib.error, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise CorruptFile(f"the remarks of the file cannot be read ({type(error).__name__}); it is damaged") from None
    if len(why) not in (0, 1, count):
        raise CorruptFile(f"the file remarks on {len(why)} bands of {count}; it is damaged")
    return why * count if len(why) == 1 else why or ("",) * count
