"""What pyproject.toml cannot say: libsarcodec is compiled with the wheel, which then fits one system and any Python."""

import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

NATIVE = Path(__file__).parent / "native"
sys.path.insert(0, str(NATIVE))
import build_library  # noqa: E402


class Library(build_ext):
    """Compiles libsarcodec into the package. Without any compiler the package is installed all the same: its twins in NumPy run, slowly."""

    def run(self) -> None:
        home = build_library.HOME if self.inplace or self.editable_mode else Path(self.build_lib, "sarcodec", "native")
        try:
            build_library.build(home)
        except build_library.NoCompiler as error:
            print(
                f"warning: {error}; sarcodec will run without its compiled library, about a hundred times slower",
                file=sys.stderr,
            )

    def get_outputs(self) -> list[str]:
        return [str(Path(self.build_lib, "sarcodec", "native", build_library.library_name()))]

    def get_output_mapping(self) -> dict[str, str]:
        return {}


class Wheel(bdist_wheel):
    """The library is loaded by ctypes and knows nothing of Python: any version of it will do."""

    def get_tag(self) -> tuple[str, str, str]:
        return ("py3", "none", super().get_tag()[2])


setup(
    ext_modules=[Extension("sarcodec.native.libsarcodec", sources=[])],
    cmdclass={"build_ext": Library, "bdist_wheel": Wheel},
)
