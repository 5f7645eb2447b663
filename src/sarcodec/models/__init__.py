"""Published models: their data (one folder each), found by id, verified by digest, tried on a known answer."""

__all__ = ["published"]
