"""Manners of the command line: help with examples at 80 columns, the nearest word, short reports, units, completion."""

import argparse
import json
import os
import re
import shutil
import subprocess

import pytest

import sarcodec
from api.scenes import amplitude, store
from cli.shell import command, environment, invoke
from sarcodec.__main__ import EXAMPLES, EXIT_CODES, build_parser
from sarcodec.cli.compress import _EFFORTS
from sarcodec.cli.options import band_list, byte_count, number
from sarcodec.cli.parser import nearest
from sarcodec.cli.simulate import PRESETS
from sarcodec.encoding.tile import EFFORTS
from sarcodec.simulate import land


def _parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    verbs = [a.choices.values() for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return [parser, *(one for found in verbs for verb in found for one in _parsers(verb))]


def test_without_arguments_help_with_examples_and_nothing_done():
    done = invoke()
    assert done.code == 2 and done.stderr == "sarcodec: no verb was given; see sarcodec --help\n"
    assert (
        "examples:" in done.stdout and all(line in done.stdout for line in EXAMPLES) and "exit codes" not in done.stdout
    )
    assert invoke("help", "info").stdout == invoke("info", "--help").stdout


def test_every_help_fits_80_columns_and_has_examples(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for parser in _parsers(build_parser(EXIT_CODES)):
        text = parser.format_help()
        assert "examples:" in text and max(map(len, text.splitlines())) <= 80, parser.prog
        assert all(action.help for action in parser._actions if action.option_strings), parser.prog


def test_every_example_of_the_help_is_understood():
    top = build_parser()
    lines = [line for parser in _parsers(top) for line in (parser.epilog or "").splitlines() if "sarcodec" in line]
    for line in lines:
        words = re.sub(r'^.*?\bsarcodec |["\')]+ *(#.*)?$|#.*|[<>|].*', "", line).split()
        if "--help" not in words:
            assert callable(top.parse_args(words).run), line


@pytest.mark.parametrize(
    "words, said",
    [
        ("comprss a b", "did you mean compress?"),
        ("Compress a b", "did you mean compress?"),
        ("decode a b", "did you mean decompress?"),
        ("models lst", "did you mean list?"),
        ("frobnicate", "there are compress, decompress"),
        ("compress --qualty 30 a b", "did you mean --quality?"),
        ("compress a b --target 30", "did you mean --target-"),
        ("compress a b -f", "did you mean --overwrite?"),
        ("decompress a b --band 1", "did you mean --indexes?"),
        ("info a --jsn", "did you mean --json?"),
        ("compress a b --effort 6", "0 (fast), 1 (the default), 2 (small), 3 (smallest)"),
        ("compress a b --target-size 10q", "10kB, 5MB or 1.5MiB"),
        ("compress a b --quality 101", "--quality: '101' is not a number from 0 to 100"),
        ("compress a -b.sarc", "./-b.sarc"),
    ],
)
def test_a_mistake_is_answered_with_the_nearest(words, said):
    done = invoke(*words.split())
    assert done.code == 2 and said in done.stderr and done.stderr.count("\n") == 1 and done.stdout == ""


def test_options_with_values_and_names_with_dashes_are_no_mistakes():
    parse = build_parser().parse_args
    assert parse(["compress", "a", "-", "--quality=30", "--json"]).quality == 30
    assert parse(["info", "--", "-a.sarc"]).file == "-a.sarc"
    assert parse(["decompress", "a", "b", "--window", "-1", "0", "3", "4", "-q"]).window == [-1, 0, 3, 4]


def test_units_and_counts():
    sizes = {
        "20000": 20_000,
        "10kB": 10_000,
        "5MB": 5_000_000,
        "1.5MiB": 1_572_864,
        "2 gib": 2 << 30,
        "9b": 9,
        "300M": 300_000_000,
    }
    assert {text: byte_count(text) for text in sizes} == sizes
    assert band_list("3,1") == (3, 1) and number(0)("0.5") == 0.5
    for parse, text in ((byte_count, "10q"), (byte_count, "0"), (byte_count, "-5"), (byte_count, "x"), (band_list, "0"),
                        (band_list, "1,1"), (band_list, "1,"), (number(0), "0"), (number(0), "nan"), (number(0, 9), "10")):  # fmt: skip
        with pytest.raises(argparse.ArgumentTypeError):
            parse(text)


def test_nearest_word():
    assert nearest("verfy", ["info", "verify"]) == "verify" and nearest("xyz", ["info", "verify"]) is None


def test_compress_says_three_lines_all_or_nothing(scene, tmp_path):
    done = invoke("compress", scene, tmp_path / "a.sarc", "--effort", "0", "--target-size", "30kB")
    size, promise, place = done.stdout.splitlines()
    assert "366 kB of pixels in" in size and "times smaller" in size and "bits a pixel and band" in size
    assert promise.startswith("kept: at most 30 kB; quality ") and place == f"written: {tmp_path / 'a.sarc'}"
    done = invoke("compress", scene, tmp_path / "b.sarc", "--effort", "0", "-v")
    assert len(done.stdout.splitlines()) > 10 and "quality 60 (step 1 dB)" in done.stdout and "passes: 1" in done.stdout
    assert invoke("compress", scene, tmp_path / "c.sarc", "--effort", "0", "-q").stdout == ""


def test_other_verbs_are_short(scene, packed, decoded, tmp_path):
    for words, least, most in (
        (("decompress", packed, tmp_path / "a.tif", "--indexes", "2,1"), 2, 2), (("info", packed), 5, 10), (("verify", packed), 1, 1),
        (("verify", packed, "--against", scene), 2, 2), (("evaluate", scene, decoded), 5, 12), (("models", "list"), 1, 3),
        (("simulate", tmp_path / "b.tif", "--size", "64"), 2, 2),
    ):  # fmt: skip
        lines = invoke(*words).stdout.splitlines()
        assert least <= len(lines) <= most, lines
    assert invoke("info", packed, "-v").stdout.count("\n") > 20


def test_compress_says_what_was_measured_and_where_nothing_was_how_to_measure(scene, tmp_path):
    measured = invoke("compress", scene, tmp_path / "a.sarc").stdout.splitlines()[1]
    found = re.fullmatch(
        r"measured: each band within (\S+) dB RMSE and (\S+) dB of mean power; quality 60 .*", measured
    )
    assert found and 0.1 < float(found[1]) < 1 and float(found[2]) < 0.05, measured
    fast = invoke("compress", scene, tmp_path / "b.sarc", "--effort", "0").stdout.splitlines()[1]
    assert "measured" not in fast and fast.endswith("for its error: sarcodec evaluate")
    asked = invoke("compress", scene, tmp_path / "c.sarc", "--target-size", "30kB").stdout.splitlines()[1]
    assert asked.startswith("kept: at most 30 kB; measured: each band within ")


def test_efforts_are_those_of_the_encoder(scene, tmp_path):
    assert _EFFORTS == EFFORTS
    done = invoke("compress", scene, tmp_path / "a.sarc", "--effort", str(max(EFFORTS)), "--quality", "20", "--json")
    assert json.loads(done.stdout)["claims"]["asked"]["effort"] == max(EFFORTS)


def test_presets_are_those_of_the_simulation():
    assert tuple(land.PRESETS) == PRESETS


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_option_and_is_of_the_shell(shell):
    script = invoke("completion", shell).stdout
    for parser in _parsers(build_parser()):
        for action in parser._actions:
            for name in action.option_strings:
                assert name in script or f"-l {name[2:]}" in script or f"-s {name[1:]}" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n", "/dev/stdin"], input=script, text=True, check=True)


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
@pytest.mark.parametrize(
    "words, found",
    [
        ("sarcodec decom", "decompress"),
        ("sarcodec compress --target-s", "--target-size"),
        ("sarcodec compress in.tif --class an", "analysis"),
        ("sarcodec models l", "list"),
        ("sarcodec decompress in.sarc out.tif --reduce 3", "32"),
        ("sarcodec compress in.tif out.sarc --effort 3", "3"),
        ("sarcodec serve --po", "--port"),
        ("sarcodec stac --da", "--datetime"),
        ("sarcodec compress sce", ""),
    ],
)
def test_bash_completes(words, found):
    script = invoke("completion", "bash").stdout
    ask = f'COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _sarcodec; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", f"{script}\n{ask}"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == found


@pytest.mark.skipif(os.name != "posix", reason="a pseudo terminal is one of POSIX")
@pytest.mark.parametrize(
    "about, drawn",
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "JPY_PARENT_PID": "1"}, False)],
)
def test_progress_is_drawn_on_terminals_that_can(tmp_path, about, drawn):
    """A notebook gives its commands a terminal on which every drawing stays."""
    import pty

    sarcodec.compress(store(tmp_path / "in.tif", amplitude(1, 40, 40)), tmp_path / "a.sarc", threads=1)
    ours, theirs = pty.openpty()
    around = {name: value for name, value in environment().items() if name != "JPY_PARENT_PID"} | about
    words = command("decompress", tmp_path / "a.sarc", tmp_path / "b.tif")
    done = subprocess.run(words, env=around, stdout=subprocess.DEVNULL, stderr=theirs, timeout=60)
    os.close(theirs)
    os.set_blocking(ours, False)
    try:
        said = os.read(ours, 1 << 16)
    except OSError:  # nothing, and nobody is there
        said = b""
    os.close(ours)
    assert done.returncode == 0 and (b"%" in said) == drawn, said
