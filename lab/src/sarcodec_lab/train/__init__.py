"""The workshop: patches, loss, loop and freezing of published models. Needs the extra `train` (torch)."""
