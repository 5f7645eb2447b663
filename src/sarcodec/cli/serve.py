"""`sarcodec serve FOLDER`: compressed files as GeoTIFFs over HTTP, for QGIS, GDAL and others that read ranges."""

from __future__ import annotations

import argparse
from typing import Any

from sarcodec.cli.options import add_verb
from sarcodec.cli.parser import one_line

EXAMPLES = (
    "sarcodec serve archive/",
    "sarcodec serve archive/ --port 0    # any port that is free",
)
ABOUT = """Each NAME.sarc is there as NAME.tif, decoded as it is read:
/vsicurl/http://127.0.0.1:8765/NAME.tif in GDAL and QGIS. Read-only, and on
this machine alone unless --host says otherwise."""


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "serve", "serve a folder of compressed files as GeoTIFFs, over HTTP", run, EXAMPLES, ABOUT)
    parser.add_argument("folder", metavar="FOLDER", help="with compressed files in it, or in folders below it")
    parser.add_argument("--port", type=int, default=8765, help="default 8765; 0: any that is free")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to answer at; default 127.0.0.1, this machine alone. There are no passwords",
    )


def run(options: argparse.Namespace) -> int:
    """Answer until interrupted."""
    import os

    from sarcodec.doors.server import Server
    from sarcodec.errors import InvalidArgument

    if not os.path.isdir(options.folder):
        raise InvalidArgument(f"{options.folder} is no folder; expected one with compressed files in it")
    if not 0 <= options.port < 65536:
        raise InvalidArgument(f"the port is {options.port}; expected a number from 0 to 65535")
    try:
        server = Server(options.folder, options.host, options.port)
    except OSError as error:
        raise InvalidArgument(
            f"cannot answer at {options.host}, port {options.port}: {error}; take another --port"
        ) from error
    with server:
        print(
            one_line(
                f"{options.folder} is at {server.url}; in GDAL and QGIS: /vsicurl/{server.url}NAME.tif. Ctrl-C ends it."
            ),
            flush=True,
        )
        server.serve_forever()
    return 0
