"""QGIS plugin: compressed Sentinel-1 scenes as raster layers. Runs in QGIS's Python and imports nothing of sarcodec, which is a command beside it."""


def classFactory(iface):
    """The name and the case are QGIS's."""
    from .plugin import Plugin

    return Plugin(iface)
