"""The public verbs: rasters, files and Python callers meet the codec here."""
