"""The autoencoder study: published networks, research files of their latents, and the comparison with other codecs."""
