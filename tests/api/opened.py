"""What the scene of tests/api/conftest.py is like: `packed` is its file, `whole` its pixels, `scene` is open."""

from rasterio.crs import CRS

from sarcodec.format.tiling import Window

UTM = CRS.from_epsg(32633)
ROWS, COLS = 90, 130
PLACE = Window(30, 40, 50, 60)
