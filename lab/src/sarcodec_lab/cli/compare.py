"""`sarcodec compare MODEL... --data DIR --report OUT.html`: networks of the study beside JPEG 2000 and the ordinary
codec."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from contextlib import ExitStack
from pathlib import Path

from sarcodec.cli.options import add_data, add_overwrite, add_verb
from sarcodec.errors import InvalidArgument
from sarcodec.storage import Output, require_different
from sarcodec.storage.forms import CSV, HTML, MARKDOWN

EXAMPLES = ("sarcodec compare lab/study/baseline lapped32 --data DATA --report out.html",)
_NEEDED = {"imagecodecs": "bench", "scipy": "bench"}
_FORMS = {"report": HTML, "markdown": MARKDOWN, "csv": CSV}
_NEEDED_BY_NETWORKS = {"torch": "train", "safetensors": "train"}


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    summary = "compare models in true bits with JPEG 2000 (extras `train`, `bench`)"
    parser = add_verb(verbs, "compare", summary, run, EXAMPLES)
    parser.set_defaults(starts_processes=True)
    parser.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="folder or id of a published study model, or a model of the codec (lapped32; lapped32:power for no bias)",
    )
    _add_input(parser)
    _add_outputs(parser)
    _add_settings(parser)
    add_overwrite(parser)


def _add_input(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    parser.add_argument(
        "--models",
        dest="folders",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="where ids of study models are looked for; may be given again",
    )
    parser.add_argument("--split", default="val", help="which split of the index (default: val)")
    parser.add_argument(
        "--families",
        type=_words,
        default=("iw",),
        metavar="F,...",
        help="families of the index, each a section (default: iw)",
    )
    parser.add_argument(
        "--images", type=_words, default=(), metavar="NAME,...", help="only these images, by name without suffix"
    )


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--report", type=Path, required=True, metavar="OUT.html", help="the page, one self-contained file"
    )
    parser.add_argument("--markdown", type=Path, metavar="OUT.md", help="also the tables as Markdown")
    parser.add_argument("--csv", type=Path, metavar="OUT.csv", help="also a row a file")
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("compare-work"),
        metavar="DIR",
        help="where files and figures are kept, so that a cut comparison goes on (default: compare-work)",
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--steps",
        type=_positives,
        default=(0.5, 1.0, 2.0, 4.0),
        metavar="X,...",
        help="step multipliers of networks (default: 0.5,1,2,4)",
    )
    parser.add_argument(
        "--overlap",
        type=_pixels,
        default=(32, 0, 16, 64),
        metavar="PX,...",
        help="tile-bound networks: curves at the first, the others at one step (default: 32,0,16,64)",
    )
    parser.add_argument(
        "--qualities",
        type=_qualities,
        default=(5, 10, 15, 20, 25, 30, 35),
        metavar="Q,...",
        help="of the codec (default: 5,10,15,20,25,30,35)",
    )
    parser.add_argument(
        "--between",
        type=_positives,
        metavar="LOW,HIGH",
        help="RMSE in dB over which BD-rate is taken (default: what two curves share)",
    )


def run(options: argparse.Namespace) -> int:
    """Write the page, and the other outputs that were asked for; progress goes to stderr."""
    _require(_NEEDED)
    _check(options)
    from sarcodec_lab.study.comparing.contenders import Ladder, contender, is_codec_model

    if not all(map(is_codec_model, options.models)):
        _require(_NEEDED_BY_NETWORKS)
    from sarcodec_lab.study.comparing.cases import find_cases
    from sarcodec_lab.study.comparing.comparison import compare
    from sarcodec_lab.study.comparing.report import Found, write_up

    ladder = Ladder(options.steps, options.overlap, tuple(map(float, options.qualities)))
    contenders = tuple(contender(name, ladder, options.folders) for name in options.models)
    _check_names([one.name for one in contenders])
    cases = find_cases(options.data, options.split, options.families, options.work / "scenes", options.images)
    with ExitStack() as stack:
        outputs = _outputs(options, [case.scene for case in cases], stack)
        records = compare(cases, contenders, options.work, _say)
        texts = write_up(
            Found(options.split, records, contenders, cases, options.between, options.work), _facts(options)
        )
        for name, output in outputs.items():
            output.write({"report": texts.html, "markdown": texts.markdown, "csv": texts.csv}[name])
    return 0


def _outputs(options: argparse.Namespace, inputs: list[Path], stack: ExitStack) -> dict[str, Output]:
    """Whatever would stop the last step is said before hours are spent."""
    given = {name: getattr(options, name) for name in _FORMS if getattr(options, name)}
    inputs = [*inputs, *_files_in(options.data), *(file for name in options.models for file in _files_in(Path(name)))]
    return {
        name: stack.enter_context(Output(path, overwrite=options.overwrite, inputs=inputs, form=_FORMS[name]))
        for name, path in given.items()
    }


def _files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []


def _facts(options: argparse.Namespace) -> tuple[tuple[str, str], ...]:
    from sarcodec import __version__

    images = f"split {options.split}, families {', '.join(options.families)}" + (
        f", only {', '.join(options.images)}" if options.images else ""
    )
    return ("images", images), ("measured by", f"sarcodec {__version__}")


def _check(options: argparse.Namespace) -> None:
    require_different(report=options.report, markdown=options.markdown, csv=options.csv)
    with ExitStack() as stack:
        _outputs(options, [], stack)
    if options.between and (len(options.between) != 2 or options.between[0] >= options.between[1]):
        raise InvalidArgument(f"--between is {options.between}; expected two rising numbers such as 1.2,2.4")


def _check_names(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidArgument(
            f"found the model {', '.join(twice)} more than once; name each once, with an id of its own"
        )


def _require(needed: dict[str, str]) -> None:
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        extras = ",".join(sorted({needed[name] for name in missing}))
        raise InvalidArgument(
            f"compare needs {', '.join(missing)}, not installed here; install: pip install 'sarcodec-lab[{extras}]'"
        )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (word.strip() for word in text.split(","))))


def _numbers(text: str, least: float, most: float, kind: type) -> tuple:
    try:
        values = tuple(kind(word) for word in _words(text))
    except ValueError:
        values = ()
    if not values or len(set(values)) < len(values) or not all(least <= value <= most for value in values):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of different numbers from {least:g} to {most:g}, with commas"
        )
    return values


def _positives(text: str) -> tuple[float, ...]:
    return _numbers(text, 1e-3, 1e3, float)


def _pixels(text: str) -> tuple[int, ...]:
    return _numbers(text, 0, 128, int)


def _qualities(text: str) -> tuple[float, ...]:
    return _numbers(text, 0, 100, float)
