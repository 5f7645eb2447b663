"""A file and its original, as the viewer shows them."""

import threading
from contextlib import contextmanager

import pytest

from doors.scenes import grd
from sarcodec.viewer.server import Server
from sarcodec.viewer.shown import Shown


@pytest.fixture(scope="session")
def pair(tmp_path_factory):
    """(compressed file, original): 700 x 1100 pixels in two bands, a corner of nodata."""
    path = grd(tmp_path_factory.mktemp("viewer"))
    return path, path.with_suffix(".in.tif")


@contextmanager
def served(*paths, **options):
    """A server of a file."""
    with Shown(*paths) as shown, Server(shown, port=0, **options) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server(pair):
    with served(*pair) as found:
        yield found
