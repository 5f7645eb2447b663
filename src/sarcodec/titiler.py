"""TiTiler: TilerFactory(reader=sarcodec.titiler.Reader), a reader of rio-tiler that warps by control points; see docs/how-to/map.md."""

from sarcodec.doors.extras import needs

with needs("titiler"):
    from sarcodec.doors.tiler import Reader

__all__ = ["Reader"]
