"""The build backend: setuptools', which also asks for a C compiler, as the wheel `ziglang`, where the machine has none that can do what is asked."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403  # every hook that is not named below is setuptools'

sys.path.insert(0, str(Path(__file__).parent))
import build_library as library


def _compiler() -> list[str]:
    """Nothing where the library is not wanted: whoever installs without a network and a compiler says SARCODEC_NATIVE=off."""
    try:
        if os.environ.get("SARCODEC_NATIVE") != "off":
            library.compiler(os.environ.get("SARCODEC_TARGET", ""))
    except library.NoCompiler:
        return ["ziglang>=0.13"]
    return []


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_compiler()]


def get_requires_for_build_editable(config_settings: Any = None) -> list[str]:
    return [*build_meta.get_requires_for_build_editable(config_settings), *_compiler()]
