"""How faithfully decoded levels follow the original ones: figures, and the classes that bound them.

In go levels in dB and masks, out come frozen figures and verdicts. Below the codec, which aims at a class, and the
workshop, which judges with the same figures: a file that `compress` calls archive passes `evaluate`. Knows no files,
tiles or networks.
"""
