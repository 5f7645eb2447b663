"""Levels to latents and back: what pixels measure in dB, the lapped transform, power and texture. Floating point begins here."""
