"""The comparison: models and other codecs on the same images, in true bits; figures, tables and the page."""
