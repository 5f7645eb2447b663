"""Figures of benchmarks and of the study: rate-distortion curves, other codecs, confidence intervals, tasks, the study's own metrics."""
