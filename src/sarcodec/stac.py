"""A STAC item of a compressed file: sarcodec.stac.item("scene.sarc"), from its head alone."""

from sarcodec.doors.stac_item import item

__all__ = ["item"]
