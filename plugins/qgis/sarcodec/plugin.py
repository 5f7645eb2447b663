"""What QGIS sees: an entry in the menu Raster, and files that are dropped. A layer remembers its file, so that a project finds it again."""

import shutil
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsContrastEnhancement,
    QgsProject,
    QgsRasterLayer,
    QgsRasterMinMaxOrigin,
    QgsSettings,
    QgsSingleBandGrayRenderer,
)
from qgis.gui import QgsCustomDropHandler
from qgis.PyQt.QtWidgets import QAction, QFileDialog

from .servers import ENDING, CannotServe, Servers

COMMAND, LAST_FOLDER = "sarcodec/command", "sarcodec/folder"
PATH = "sarcodec/path"
"""Property of a layer: the file that it shows."""
_MENU = "sarcodec"


class Plugin:
    """QGIS calls initGui and unload."""

    def __init__(self, iface):
        self._iface, self._servers, self._actions = iface, Servers(command), []
        self._drop = DropHandler(self.open)

    def initGui(self):
        """The name is QGIS's."""
        for words, done in (("Open a compressed scene...", self._ask), ("Where sarcodec is...", self._ask_command)):
            action = QAction(words, self._iface.mainWindow())
            action.triggered.connect(done)
            self._iface.addPluginToRasterMenu(_MENU, action)
            self._actions.append(action)
        self._iface.registerCustomDropHandler(self._drop)
        QgsProject.instance().readProject.connect(self._find_again)

    def unload(self):
        """Leave nothing behind."""
        QgsProject.instance().readProject.disconnect(self._find_again)
        self._iface.unregisterCustomDropHandler(self._drop)
        for action in self._actions:
            self._iface.removePluginRasterMenu(_MENU, action)
        self._servers.close()

    def open(self, path):
        """Add a file as a layer; the layer, or None where that cannot be, which is said in the message bar."""
        source = self._source(path)
        if source is None:
            return None
        layer = QgsRasterLayer(source, Path(path).stem, "gdal")
        if not layer.isValid():
            self._say(f"{path} cannot be read: {layer.error().summary()}")
            return None
        layer.setCustomProperty(PATH, str(path))
        # Two polarisations as red and green, which QGIS would make of them, hide what is in either.
        layer.setRenderer(QgsSingleBandGrayRenderer(layer.dataProvider(), 1))
        layer.setContrastEnhancement(
            QgsContrastEnhancement.StretchToMinimumMaximum, QgsRasterMinMaxOrigin.CumulativeCut
        )
        return QgsProject.instance().addMapLayer(layer)

    def _source(self, path):
        try:
            return self._servers.source(path)
        except CannotServe as error:
            self._say(str(error))
            return None

    def _say(self, words):
        self._iface.messageBar().pushMessage("sarcodec", words, level=Qgis.Warning, duration=0)

    def _ask(self):
        settings = QgsSettings()
        paths, _ = QFileDialog.getOpenFileNames(
            self._iface.mainWindow(),
            "Open a compressed scene",
            settings.value(LAST_FOLDER, ""),
            f"sarcodec (*{ENDING})",
        )
        for path in paths:
            settings.setValue(LAST_FOLDER, str(Path(path).parent))
            self.open(path)

    def _ask_command(self):
        path, _ = QFileDialog.getOpenFileName(self._iface.mainWindow(), "The program sarcodec", command()[0])
        if path:
            QgsSettings().setValue(COMMAND, path)

    def _find_again(self):
        """Layers of a project were served at a port of another day."""
        for layer in QgsProject.instance().mapLayers().values():
            path = layer.customProperty(PATH)
            source = self._source(path) if path and Path(path).exists() else None
            if source is not None and layer.source() != source:
                layer.setDataSource(source, layer.name(), "gdal")


class DropHandler(QgsCustomDropHandler):
    """Takes what ends as compressed files do."""

    def __init__(self, open_file):
        super().__init__()
        self._open = open_file

    def handleFileDrop(self, file):
        """The name is QGIS's. Whether the file was one of ours."""
        if not file.lower().endswith(ENDING):
            return False
        self._open(file)
        return True


def command():
    """Words that start sarcodec: what was set, or what is on the path."""
    return [QgsSettings().value(COMMAND, "") or shutil.which("sarcodec") or "sarcodec"]
