"""Compiles libsarcodec: `python native/build_library.py [--out FOLDER] [--target TRIPLE] [--sanitize]`.

One shared library with a part for each level of processors (native/level.h). The compiler is $CC, else cc, gcc or clang, else the wheel `ziglang`. Standard library only:
setup.py calls it while a wheel is built, the Makefile in a checkout.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parent / "src" / "sarcodec" / "native"
LEVELS = {
    "x86_64": {
        "plain": [],
        "avx2": ["-mavx2", "-mfma", "-mbmi2", "-mf16c", "-mtune=znver3"],
        "avx512": "-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx2 -mfma -mbmi2 -mprefer-vector-width=512".split(),
    }
}
FLAGS = [
    "-std=gnu11",
    "-O3",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wall",
    "-Wextra",
    "-Wno-psabi",
]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g", "-O1"]


class NoCompiler(Exception):
    """There is no C compiler to be found."""


def compiler(target: str = "") -> list[str]:
    """The command that compiles C; for another machine that of zig, which brings the headers of all. Raises NoCompiler."""
    if os.environ.get("CC"):
        return shlex.split(os.environ["CC"])
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name) and not target:
            return [name]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    wanted = f"no compiler for {target}" if target else "no C compiler: install gcc or clang"
    raise NoCompiler(f"found {wanted}, or `pip install ziglang`, or name one in CC")


def library_name(target: str = "") -> str:
    """What the library is called in the package; all systems that Python's ctypes knows take any ending."""
    windows = "windows" in target or (not target and sys.platform == "win32")
    return "libsarcodec.dll" if windows else "libsarcodec.so"


def interface() -> int:
    """A number made of all exported signatures: a library that was built of others is not loaded."""
    text = "".join(path.read_text() for path in sorted(HERE.glob("*.c")))
    signatures = re.findall(r"SARC_EXPORT\([^)]*\)\([^)]*\)", text)
    return (
        int.from_bytes(
            hashlib.sha256("".join(re.sub(r"\s+", " ", s) for s in signatures).encode()).digest()[:4], "little"
        )
        >> 1
    )


def write_interface() -> None:
    """Tells the package which library it fits, where that has changed."""
    path = HOME / "interface.py"
    text = f'"""Which library this package fits (native/build_library.py wrote it): a number made of all exported signatures."""\n\nINTERFACE = {interface()}\n'
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        print(f"{path} says {interface()} now")


def build(out: Path, target: str = "", extra: list[str] | None = None) -> Path:
    """Compiles into a folder; gives the library's path. It appears whole or not at all."""
    command, options = compiler(target), [*FLAGS, f"-DSARC_INTERFACE={interface()}", *(extra or [])]
    if target:
        options += ["-target", target]
    machine = target.split("-")[0] if target else platform.machine().replace("AMD64", "x86_64")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sarcodec-build-", dir=out) as folder:
        # zig keeps what it compiles, of its own headers too; the machine of somebody who installs a wheel is no place for that.
        environment = {"ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder, **os.environ}
        sources = [("best.c", "best", [])]
        sources += [
            ("level.c", level, [*flags, f"-DSARC_LEVEL={level}"])
            for level, flags in LEVELS.get(machine, {"plain": []}).items()
        ]
        objects = [str(Path(folder, f"{name}.o")) for _, name, _ in sources]
        running = [
            subprocess.Popen([*command, *options, *flags, "-c", str(HERE / source), "-o", path], env=environment)
            for (source, _, flags), path in zip(sources, objects, strict=True)
        ]
        codes = [process.wait() for process in running]  # all of them, so that none writes into a folder that has gone
        if any(codes):
            raise SystemExit(
                f"libsarcodec could not be compiled by `{shlex.join(command)}`, whose words stand above: name another compiler in CC, as "
                "gcc 12, clang 15, or `python -m ziglang cc`; or set SARCODEC_NATIVE=off to install without the library, about a hundred times slower"
            )
        part = Path(folder, library_name(target))
        subprocess.run([*command, *options, "-shared", *objects, "-o", str(part), "-lm"], check=True, env=environment)
        return part.replace(out / part.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HOME, help="folder of the library (default: the package's own)")
    parser.add_argument(
        "--target", default="", help="build for another machine, as clang and zig name it: aarch64-linux-gnu"
    )
    parser.add_argument(
        "--sanitize", action="store_true", help="with the address and undefined-behaviour sanitizers, for the fuzzers"
    )
    asked = parser.parse_args()
    write_interface()
    try:
        print(build(asked.out, asked.target, SANITIZERS if asked.sanitize else None))
    except NoCompiler as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
