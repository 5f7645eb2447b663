"""The laboratory of sarcodec: networks, training, the autoencoder study, figures for benchmarks. Knows the codec; the codec does not know it."""
