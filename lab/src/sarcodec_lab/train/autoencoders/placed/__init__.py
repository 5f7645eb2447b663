"""A beginning for `residual` and `attention` under which they are a lapped linear transform and its inverse.

Bilinear doublings followed by convolutions make a flat picture of a flat latent: they cannot tell where in a cell of 16 x 16 pixels
they are. What can is the border: convolutions see the zeros around a tile. So one of the latent's channels, the carrier, holds a sign that
changes from cell to cell, counted from the four borders; the decoder reads off it which half, quarter, ... of a cell a pixel lies in, and
its rectifiers let pass what belongs there. The 15 other channels are a lapped transform, fitted. The architecture is the study's, weights alone are set.

wiring: weights of one block by name; encoder, decoder: what they are made of; fitting: the linear parts, from images; start: all of it.
Tiles have an even number of cells on a side, up to 16 (256 pixels).
"""
