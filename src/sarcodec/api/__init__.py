"""The public verbs: rasters, files and Python callers meet the codec here."""

__all__ = [
    "arrays",
    "asked",
    "choices",
    "comparison",
    "compression",
    "decompression",
    "information",
    "looked",
    "memory",
    "request",
    "restored",
    "scene",
    "validity",
    "verification",
]
