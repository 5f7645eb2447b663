"""Runs within QGIS (`qgis --code`), with its real window: drops a file, renders it, saves and opens a project, and says what it saw as JSON.

Environment: SARCODEC_FILE, SARCODEC_ORIGINAL (a GeoTIFF of the same pixels), SARCODEC_OUT (a folder).
"""

import json
import os
import time
import traceback
from pathlib import Path

from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from qgis.PyQt.QtGui import QDragEnterEvent, QDropEvent
from qgis.PyQt.QtWidgets import QApplication
from qgis.utils import iface, loadPlugin, plugins, startPlugin, unloadPlugin

FILE, ORIGINAL, OUT = (os.environ[f"SARCODEC_{name}"] for name in ("FILE", "ORIGINAL", "OUT"))
said, kept = {}, []


def drop(path):
    """As a hand does it, onto QGIS's window."""
    data = QMimeData()
    kept.append(data)  # QGIS reads it later
    data.setUrls([QUrl.fromLocalFile(path)])
    QApplication.sendEvent(
        iface.mainWindow(), QDragEnterEvent(QPoint(300, 300), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier)
    )
    event = QDropEvent(QPointF(300, 300), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier, QEvent.Drop)
    QApplication.sendEvent(iface.mainWindow(), event)


def values(layer, band):
    """Pixels of the layer's upper left."""
    provider = layer.dataProvider()
    block = provider.block(band, layer.extent(), layer.width(), layer.height())
    return [block.value(row, col) for row in range(0, layer.height(), 50) for col in range(0, layer.width(), 50)]


def wait_for_map():
    canvas = iface.mapCanvas()
    canvas.zoomToFullExtent()
    canvas.waitWhileRendering()
    for _ in range(200):
        QApplication.processEvents()
        canvas.waitWhileRendering()
        if not canvas.isDrawing():
            break


def look():
    said["loaded"] = loadPlugin("sarcodec") and startPlugin("sarcodec")
    drop(FILE)
    for _ in range(100):  # the drop is taken up by a timer of QGIS's
        QApplication.processEvents()
        if QgsProject.instance().count():
            break
        time.sleep(0.05)
    (layer,) = QgsProject.instance().mapLayers().values()
    said["layer"] = {"name": layer.name(), "valid": layer.isValid(), "bands": layer.bandCount(), "size": [layer.width(), layer.height()],
                     "crs": layer.crs().authid(), "source": layer.source()}  # fmt: skip
    beside = QgsRasterLayer(ORIGINAL, "original", "gdal")
    said["same"] = [values(layer, band) == values(beside, band) for band in range(1, layer.bandCount() + 1)]
    said["extent"] = [layer.extent().toString(6), beside.extent().toString(6)]
    iface.mainWindow().resize(1100, 700)
    wait_for_map()
    iface.mapCanvas().saveAsImage(str(Path(OUT, "map.png")))
    iface.mainWindow().grab().save(str(Path(OUT, "window.png")))
    project = str(Path(OUT, "project.qgs"))
    QgsProject.instance().write(project)
    old = layer.source()
    plugins["sarcodec"]._servers.close()  # as if QGIS had been closed
    iface.newProject(False)
    QgsProject.instance().read(project)
    (layer,) = QgsProject.instance().mapLayers().values()
    said["again"] = {
        "valid": layer.isValid(),
        "other port": layer.source() != old,
        "value": values(layer, 1) == values(beside, 1),
    }
    said["processes"] = [process.pid for process, _ in plugins["sarcodec"]._servers._running.values()]
    said["refused"] = plugins["sarcodec"].open(str(Path(OUT, "none.sarc"))) is None
    said["messages"] = [item.text() for item in iface.messageBar().items()]
    QgsProject.instance().clear()
    unloadPlugin("sarcodec")


def run():
    try:
        look()
    except Exception:
        said["error"] = traceback.format_exc() + "; ".join(item.text() for item in iface.messageBar().items())
    Path(OUT, "said.json").write_text(json.dumps(said))
    os._exit(0)  # QGIS would ask whether to save


QTimer.singleShot(2000, run)
