"""'-' is standard input and output: whole files through pipes, and pipes that break."""

import os
import subprocess

import numpy as np
import pytest

from cli.runs import FAST, VERBS, refused, run
from cli.shell import command, environment
from sarcodec.raster.geotiff import read_array

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")


def test_the_input_of_a_stream_is_no_output(here):
    for verb, (name, options) in VERBS.items():
        before = (here / name).read_bytes()
        with open(here / name, "rb") as source:
            done = subprocess.run(
                command(verb, "-", here / name, "--overwrite", *options), stdin=source, capture_output=True, text=True,
                env=environment(),
            )  # fmt: skip
        assert done.returncode == 2 and "same file as the input standard input" in done.stderr
        with open(here / name, "ab") as target:
            refused(2, "which would be lost", verb, here / name, "-", *options, stdout=target)
        assert (here / name).read_bytes() == before


def test_streams_in_and_out(here):
    before = os.listdir(here)
    packed = run("compress", "-", "-", "--json", *FAST, stdin=(here / "in.tif").read_bytes(), cwd=here)
    assert packed.returncode == 0 and packed.stdout == (here / "in.sarc").read_bytes(), packed.stderr
    assert b'"bytes": ' in packed.stderr
    back = run("decompress", "-", "-", "--threads", "1", stdin=packed.stdout, cwd=here)
    assert back.returncode == 0 and os.listdir(here) == before, back.stderr
    (here / "back.tif").write_bytes(back.stdout)
    assert run("decompress", here / "in.sarc", here / "whole.tif").returncode == 0
    np.testing.assert_array_equal(read_array(here / "back.tif")[0], read_array(here / "whole.tif")[0])
    for words in (["info", "-"], ["verify", "-", "--against", here / "in.tif", "--threads", "1"]):
        done = run(*words, "--json", stdin=packed.stdout)
        assert done.returncode == 0 and b'"path": "-"' in done.stdout, done.stderr
    done = run("evaluate", here / "in.tif", "-", "--report", here / "page.html", stdin=back.stdout)
    assert done.returncode == 0 and b"decoded: -" in done.stdout, done.stderr
    refused(2, "given twice", "evaluate", "-", "-", stdin=back.stdout)


def test_streams_that_break(here):
    refused(5, "empty", "decompress", "-", here / "o.tif", stdin=b"")
    refused(3, "standard input", "compress", "-", here / "o.sarc", stdin=b"no raster")
    for verb, (name, options) in VERBS.items():
        with open("/dev/full", "wb") as full:
            refused(1, "disk is full", verb, here / name, "-", *options, stdout=full)
    process = subprocess.Popen(
        command("decompress", here / "in.sarc", "-"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(60) == 141
    process.stderr.close()
    assert sorted(os.listdir(here)) == ["in.sarc", "in.tif"]


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_streams_do_no_harm(here, closed):
    words = " ".join(map(str, command("compress", here / "in.tif", here / "new.sarc", *FAST)))
    done = subprocess.run(["sh", "-c", f"{words} {closed}"], capture_output=True, text=True, env=environment())
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert (here / "new.sarc").read_bytes() == (here / "in.sarc").read_bytes()
    words = " ".join(map(str, command("compress", "-", "-", *FAST)))
    done = subprocess.run(["sh", "-c", f"{words} 0<&- 1>&-"], capture_output=True, text=True, env=environment())
    assert done.returncode == 2 and "is closed" in done.stderr and done.stderr.count("\n") == 1
