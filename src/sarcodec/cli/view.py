"""`sarcodec view FILE [ORIGINAL]`: a page that shows a compressed file, beside the raster that it was made of."""

from __future__ import annotations

import argparse
from typing import Any

from sarcodec.cli.options import add_verb
from sarcodec.cli.parser import one_line

EXAMPLES = (
    "sarcodec view scene.sarc",
    "sarcodec view scene.sarc scene.tif    # with the raster that it was made of",
    "sarcodec view scene.sarc --open       # in the browser of this desktop",
)
ABOUT = """Pan, zoom, stretch in dB, values under the cursor, a profile along a
line, and what the file claims. With ORIGINAL: both behind a swipe, the error
of each pixel, and the ratio of local means. The page asks nothing of the
network, and answers on this machine alone unless --host says otherwise."""


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "view", "show a compressed file in a browser", run, EXAMPLES, ABOUT)
    parser.add_argument(
        "file", metavar="FILE", help="the compressed file, or the address of one on a web server or in a bucket"
    )
    parser.add_argument(
        "original", metavar="ORIGINAL", nargs="?", help="the raster, or the product, that it was made of"
    )
    parser.add_argument("--port", type=int, default=8766, help="default 8766; 0: any that is free")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to answer at; default 127.0.0.1, this machine alone. There are no passwords",
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")


def run(options: argparse.Namespace) -> int:
    """Answer until interrupted."""
    from sarcodec.errors import InvalidArgument
    from sarcodec.viewer.server import Server
    from sarcodec.viewer.shown import Shown

    if not 0 <= options.port < 65536:
        raise InvalidArgument(f"the port is {options.port}; expected a number from 0 to 65535")
    with Shown(options.file, options.original) as shown:
        try:
            server = Server(shown, options.host, options.port)
        except OSError as error:
            raise InvalidArgument(
                f"cannot answer at {options.host}, port {options.port}: {error}; take another --port"
            ) from error
        with server:
            print(one_line(f"{options.file} is shown at {server.url}. Ctrl-C ends it."), flush=True)
            if options.open:
                import webbrowser

                webbrowser.open(server.url)
            server.serve_forever()
    return 0
