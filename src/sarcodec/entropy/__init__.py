"""Integers to bytes and back: tables, rANS, the trellis, the integer prior. Whole numbers alone, the same on every machine."""
