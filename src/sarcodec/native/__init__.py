"""libsarcodec: the compiled kernels, one module here for each part of it (native/*.c). Arrays in, arrays out; arguments are checked by the callers.

Every kernel has a twin in NumPy in the room that calls it, which says the same in fewer words, runs where the library could not be built, and which a test holds it to.
"""

from sarcodec.native.library import available, level

__all__ = [
    "available",
    "encode",
    "filling",
    "hyper",
    "level",
    "pixels",
    "power",
    "rans",
    "search",
    "targets",
    "texture_fit",
    "tile",
    "transform",
]
