"""The plugin of rasterio's command line: rio sarcodec compress|decompress|info ..., each the verb of that name with its arguments.

`rio` loads every plugin at each call, so this imports click and nothing else of size.
"""

from __future__ import annotations

from sarcodec.doors.extras import needs

with needs("rio"):
    import click

_PASS_ON = {"ignore_unknown_options": True, "help_option_names": []}


@click.group(help="Compress SAR images into small files (.sarc), and back.")
def sarcodec() -> None:
    """A group without options of its own."""


def _verb(name: str, summary: str) -> None:
    @sarcodec.command(name, help=summary, short_help=summary, context_settings=_PASS_ON, add_help_option=False)
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    @click.pass_context
    def run(context: click.Context, arguments: tuple[str, ...]) -> None:
        from sarcodec.__main__ import main

        context.exit(main([name, *arguments]))


_verb("compress", "a GeoTIFF into a compressed file")
_verb("decompress", "a compressed file into a GeoTIFF")
_verb("info", "what a compressed file holds, without its pixels")
