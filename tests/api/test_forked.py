"""A process that is forked has no threads of its parent's: nothing may wait for them."""

import os

import pytest

from sarcodec.simulate.product import simulate
from test_global_state import run

PROGRAM = """
import os, sys
import sarcodec
sarcodec.compress("in.tif", "a.sarc", effort=0, threads=2)
sarcodec.decompress("a.sarc", "parent.tif", threads=2)
child = os.fork()
if child == 0:
    sarcodec.decompress("a.sarc", "child.tif", threads=2)
    sarcodec.compress("child.tif", "b.sarc", effort=0, threads=2)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_every_verb_works_in_a_process_that_is_forked_after_the_same_verb(tmp_path):
    simulate(tmp_path / "in.tif", 600, 1100, bands=("VV",), seed=3)
    done = run(tmp_path, PROGRAM)
    assert done.returncode == 0 and done.stdout == "0\n", done.stderr
    assert (tmp_path / "child.tif").read_bytes() == (tmp_path / "parent.tif").read_bytes()
