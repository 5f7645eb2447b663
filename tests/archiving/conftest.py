"""Workers that archives of a module share."""

import pytest

from archiving.scenes import CREW
from sarcodec.archiving.processes import Processes


@pytest.fixture(scope="module")
def crew():
    """Workers for all archives of this module, which do not have to start each time."""
    with Processes(2) as CREW["processes"]:
        yield
