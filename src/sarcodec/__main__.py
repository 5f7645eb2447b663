"""The door: `sarcodec VERB ...`. Picks the verb, keeps errors to one line on stderr, and gives the exit code."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

from sarcodec.cli.log import show_log
from sarcodec.cli.parser import USAGE_ERROR, Help, Parser, example_lines, one_line
from sarcodec.errors import SarcodecError

EXAMPLES = (
    "sarcodec simulate scene.tif               # or take a scene of your own",
    "sarcodec compress scene.tif scene.sarc    # small, at quality 60",
    "sarcodec decompress scene.sarc back.tif   # a GeoTIFF again",
    "sarcodec evaluate scene.tif back.tif      # how far it is from the original",
    "sarcodec compress --help                  # every verb explains itself",
)
EXIT_CODES = """exit codes:
  0    done
  1    verify, evaluate or archive found a difference or a scene failed, or the
       system refused (disk full, for instance)
  2    wrong usage, or an argument without meaning: a window outside the scene,
       an input that is not there, may not be read or is a folder, an output
       that is an input, a device or a pipe, is called .png, or lies in a folder
       that cannot be written
  3    the scene cannot be read, or is not one that sarcodec takes
  4    the model is not installed, damaged, or not exact on this machine
  5    not a sarcodec file, or a newer, truncated or damaged one
  6    the output is already there (--overwrite)
  7    the target for size, rate or error cannot be reached
  8    a server did not answer, or gives no ranges: later it may
  130  interrupted (Ctrl-C); 143: terminated"""

_VERBS = tuple(
    "compress decompress info verify evaluate archive simulate models serve view vrt mount stac completion".split()
)  # modules of sarcodec.cli
_MORE_VERBS = "sarcodec.verbs"  # entry points of other distributions, such as sarcodec-lab
_READERS_LACK = ("rasterio", "affine")  # what an installation for reading alone may leave out
_INTERRUPTED, _TERMINATED, _BROKEN_PIPE = 130, 143, 141
_LIBRARY_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def build_parser(epilog: str = "", word: str = "") -> Parser:
    """All verbs and their options, or those of one alone where `word` is its name. epilog: after the examples."""
    parser = Parser(
        prog="sarcodec",
        description="Sentinel-1 scenes into small files and back.",
        epilog="\n\n".join(filter(None, (example_lines(EXAMPLES), epilog))),
        formatter_class=Help,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="show program's version number and exit")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in _modules(word):
        verb.add(verbs)
    return parser


def _modules(word: str) -> list[ModuleType]:
    """A module with `add(verbs)` for every verb. That of `word` alone does where it is one: the others, and the search for other distributions', take
    longer than some verbs. Completion shows all."""
    names = (word,) if word in _VERBS and word != "completion" else _VERBS
    own = [importlib.import_module(f"sarcodec.cli.{name}") for name in names]
    return own if len(own) == 1 else [*own, *_more_verbs()]


def _more_verbs() -> list[ModuleType]:
    """Modules with `add(verbs)` that other distributions bring, in order of their names."""
    from importlib.metadata import entry_points

    found = sorted(entry_points(group=_MORE_VERBS), key=lambda entry: entry.name)
    return [entry.load() for entry in found]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Reads sys.argv when no arguments are given."""
    _prepare_streams()
    words = sys.argv[1:] if arguments is None else list(arguments)
    if not words:
        return _greet()
    if words[0] == "help":
        words = [*words[1:], "--help"]
    options = build_parser(EXIT_CODES, words[0]).parse_args(words)
    _limit_libraries(options)
    _name_proj_data()
    show_log()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(_TERMINATED))  # so that partial files are removed
    try:
        with _libraries_silent(options):
            code: int = options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except SarcodecError as error:
        return _fail(str(error), error.exit_code)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _READERS_LACK:
            raise
        return _fail(
            f"{error.name} is not installed, which this verb needs for GeoTIFFs; pip install rasterio",
            SarcodecError.exit_code,
        )
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED)
    except BrokenPipeError:  # Who read stdout has gone, which is no failure to talk about.
        _forget_stdout()
        return _BROKEN_PIPE
    except MemoryError:
        return _fail("not enough memory; use fewer --threads, or a --window", SarcodecError.exit_code)
    except OSError as error:
        _forget_stdout()
        return _fail(f"the system refused: {error}", SarcodecError.exit_code)


def _greet() -> int:
    """Help for someone who typed the name alone. Nothing was done, so a script that lost its arguments must not go on."""
    if sys.stdout is not None:
        build_parser().print_help()
    return _fail("no verb was given; see sarcodec --help", USAGE_ERROR)


def _prepare_streams() -> None:
    """Names may hold what a stream's encoding has no letter for; and a file that is opened must not become stream 0, 1 or 2
    because the caller closed it: what libraries print would end up in that file."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def _forget_stdout() -> None:
    """Python would complain once more while it closes a stream that takes no more bytes."""
    try:
        sys.stdout.flush()
    except (AttributeError, OSError, ValueError):
        pass
    else:
        return
    with suppress(AttributeError, OSError, ValueError):  # closed, or no file of the system
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _limit_libraries(options: argparse.Namespace) -> None:
    """One thread a worker in BLAS and OpenMP, whose pools would fight the codec's own. A verb that wants all of them says so."""
    if not getattr(options, "all_threads", False):
        for name in _LIBRARY_THREADS:
            os.environ.setdefault(name, "1")


def _name_proj_data() -> None:
    """GDAL has PROJ look up units of length past what rasterio told it of its data, and PROJ complains on stderr where it has none."""
    rasterio = importlib.util.find_spec("rasterio")
    for folder in (rasterio and rasterio.submodule_search_locations) or ():
        data = os.path.join(folder, "proj_data")
        if "PROJ_LIB" not in os.environ and os.path.isdir(data):
            os.environ.setdefault("PROJ_DATA", data)


@contextmanager
def _libraries_silent(options: argparse.Namespace) -> Iterator[None]:
    """C libraries write to stream 2 by themselves (HDF5 about a damaged file, GDAL's threads about a full disk), beside the error
    that comes of it. Python's sys.stderr goes on elsewhere. Not in verbs that start processes."""
    stderr = sys.stderr
    try:
        usual = stderr.fileno() == 2 and not getattr(options, "starts_processes", False)
    except (AttributeError, OSError, ValueError):  # none, or no file of the system
        usual = False
    if not usual:
        yield
        return
    stderr.flush()
    with open(os.devnull, "wb") as nowhere, open(os.dup(2), "w", 1, stderr.encoding, "backslashreplace") as kept:
        os.dup2(nowhere.fileno(), 2)
        sys.stderr = kept
        try:
            yield
        finally:
            sys.stderr = stderr
            os.dup2(kept.fileno(), 2)


def _fail(message: str, code: int) -> int:
    if sys.stderr is not None:
        print("sarcodec: " + one_line(message), file=sys.stderr, flush=True)
    return code


class _ShowVersion(argparse.Action):
    """argparse's own would want the version before anybody has asked for it."""

    def __call__(self, parser: argparse.ArgumentParser, *unused: Any) -> None:
        """Print it and leave."""
        from sarcodec.version import installed_version

        print("sarcodec", installed_version())
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
