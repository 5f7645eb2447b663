"""What pyproject.toml cannot say: libsarcodec is compiled with the wheel, which then fits one system and any Python.

SARCODEC_TARGET: the wheel is for another system, as zig names it (WHEELS has those that are published).
SARCODEC_NATIVE=off: it is built without the library, whose work NumPy then does.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

NATIVE = Path(__file__).parent / "native"
sys.path.insert(0, str(NATIVE))
import build_library  # noqa: E402

TARGET = os.environ.get("SARCODEC_TARGET", "")
WHEELS = {
    "x86_64-linux-gnu.2.17": "manylinux_2_17_x86_64",
    "aarch64-linux-gnu.2.17": "manylinux_2_17_aarch64",
    "x86_64-windows-gnu": "win_amd64",
    "x86_64-macos.11.0": "macosx_11_0_x86_64",
    "aarch64-macos.11.0": "macosx_11_0_arm64",
}


class Library(build_ext):
    """Compiles libsarcodec into the package. Without any compiler the package is installed all the same: its twins in NumPy run, slowly."""

    def run(self) -> None:
        self.built = False
        if os.environ.get("SARCODEC_NATIVE") == "off":
            return self._warn("SARCODEC_NATIVE is off")
        home = build_library.HOME if self.inplace or self.editable_mode else Path(self.build_lib, "sarcodec", "native")
        try:
            build_library.build(home, TARGET)
            self.built = True
        except build_library.NoCompiler as error:
            if TARGET:
                raise SystemExit(str(error)) from None
            self._warn(str(error))

    def _warn(self, reason: str) -> None:
        print(
            f"warning: {reason}; sarcodec will run without its compiled library, about a hundred times slower",
            file=sys.stderr,
        )

    def get_outputs(self) -> list[str]:
        name = build_library.library_name(TARGET)
        return [str(Path(self.build_lib, "sarcodec", "native", name))] if self.built else []

    def get_output_mapping(self) -> dict[str, str]:
        return {}


class Wheel(bdist_wheel):
    """The library is loaded by ctypes and knows nothing of Python: any version of it will do."""

    def get_tag(self) -> tuple[str, str, str]:
        own = (
            super().get_tag()[2].replace("universal2", build_library.platform.machine())
        )  # the library is for one of the two
        return ("py3", "none", WHEELS[TARGET] if TARGET else own)


setup(
    ext_modules=[Extension("sarcodec.native.libsarcodec", sources=[])],
    cmdclass={"build_ext": Library, "bdist_wheel": Wheel},
)
