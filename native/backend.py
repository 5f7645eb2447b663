"""The build backend: setuptools', which also asks for a C compiler, as the wheel `ziglang`, where the machine has none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403  # every hook that is not named below is setuptools'

sys.path.insert(0, str(Path(__file__).parent))
import build_library as library


def _compiler() -> list[str]:
    try:
        library.compiler()
    except library.NoCompiler:
        return ["ziglang>=0.13"]
    return []


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_compiler()]


def get_requires_for_build_editable(config_settings: Any = None) -> list[str]:
    return [*build_meta.get_requires_for_build_editable(config_settings), *_compiler()]
