"""Integers to bytes and back: tables, rANS, the trellis, the integer prior. Whole numbers alone, the same on every machine."""

__all__ = [
    "coding",
    "following",
    "integer_layers",
    "prior",
    "prior_arrays",
    "shifts",
    "step_index",
    "steps",
    "tables",
    "tiles",
    "trellis",
    "walk",
]
