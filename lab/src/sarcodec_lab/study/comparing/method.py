"""How a comparison measures, in words, for those who read its page or its Markdown. Knows nothing else."""

METHOD = """\
Every band of every image is a single-band GeoTIFF of uint16 amplitudes, and every codec is given that file alone. \
Bits a pixel are 8 times the bytes of the whole file on disk, headers, tables and masks included, over its pixels. \
Each file is read back by a fresh process that has not seen the original, into a GeoTIFF of whole DN, and that is \
what is measured. A model of the ordinary codec is decoded for the least squared error in dB, which is what the \
networks and JPEG 2000 aim at; where its name ends in `:power`, for no bias of power, as `decompress` does unless it \
is told otherwise.

JPEG 2000 is OpenJPEG, one 12-bit irreversible stream of the level 20 log10(DN) on [0, 96] dB, without any \
container; at equal bytes its setting is searched so that the stream has at most the bytes of the file beside it, \
and at least 98.5 % where the coder can: of a small image it can make few sizes, so that, where it falls short, the \
level is also tried times 0.97, 0.94, ... 0.85, and what errs least is kept. A file that is smaller than its \
smallest stream has that stream beside it. It is read in the process that wrote it, and rounded to whole DN like the \
others.

The study's own figures are those called psnr_study, ssim_study, enl_ratio_log and epi_cosine. They are taken on x = \
10 log10(DN), clipped to [14.769, 24.541] and scaled to [0, 1], over tiles of 256 x 256 pixels (whole tiles from the \
upper left; a smaller image is one tile) and averaged over the tiles of an image. MS-SSIM is on the same scale. \
Whatever is brighter than DN 284.5 is clipped there. ENL ratio: mean^2 / variance of x over pixels whose 15 x 15 \
coefficient of variation is below 0.3 in the original, decoded over original. EPI: cosine of Sobel magnitudes, which \
gives two independent noise images 0.79.

The other figures are over all valid pixels and the full range: RMSE of the level; bias = 10 log10(sum of decoded \
power / sum of original power); ENL ratio: median of windows of 15 x 15 pixels in linear power, chosen in the other \
band; edges: correlation of signed ratios of averages at the edges of the other band; SSIM and MS-SSIM on a data \
range of 96 dB.

Bands and images of one place are averaged first, a place counts once. The deviation is that between places. \
Intervals are 95 % percentile intervals of 2,000 bootstrap draws of places; with few places, as the number above \
says, they are too narrow rather than too wide. BD-rate: mean difference of log bits over quality, by piecewise \
cubic interpolation, band by band."""
