"""Training of the study's autoencoders: recipe, crops, objective, loop, quick check."""
