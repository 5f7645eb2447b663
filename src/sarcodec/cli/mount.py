"""`sarcodec mount FOLDER WHERE`: compressed files as files of GeoTIFFs, for programs that open nothing else."""

from __future__ import annotations

import argparse
from typing import Any

from sarcodec.cli.options import add_verb
from sarcodec.cli.parser import one_line

EXAMPLES = ("sarcodec mount archive/ ~/decoded      # Ctrl-C or umount ends it",)
ABOUT = """Each NAME.sarc is there as NAME.tif, decoded as it is read. Read-only, for the
user who mounts. Needs FUSE (Debian: fuse3; macOS: macFUSE) and the extra mount."""


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "mount", "show a folder of compressed files as files of GeoTIFFs", run, EXAMPLES, ABOUT)
    parser.add_argument("folder", metavar="FOLDER", help="with compressed files in it, or in folders below it")
    parser.add_argument("where", metavar="WHERE", help="an empty folder, where they are to appear")


def run(options: argparse.Namespace) -> int:
    """Until interrupted or unmounted."""
    from sarcodec.doors.extras import needs
    from sarcodec.errors import InvalidArgument

    try:
        with needs("mount"):
            from sarcodec.doors.mounted import mount
    except ModuleNotFoundError as error:
        raise InvalidArgument(str(error)) from error
    except OSError as error:  # the package is there, and the library of the system is not
        raise InvalidArgument(f"FUSE is not installed ({error}); install it (Debian: fuse3; macOS: macFUSE)") from error

    def ready() -> None:
        text = f"{options.folder} is shown at {options.where}. Ctrl-C or umount {options.where} ends it."
        print(one_line(text), flush=True)

    mount(options.folder, options.where, ready=ready)
    return 0
