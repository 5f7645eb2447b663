"""Levels to latents and back: what pixels measure in dB, the lapped transform, power and texture. Floating point begins here."""

__all__ = [
    "bumps",
    "correction",
    "filling",
    "lapped",
    "law",
    "noise",
    "overview",
    "planes",
    "radiometry",
    "reduced",
    "restored",
]
