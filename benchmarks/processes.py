"""The codec as a user runs it: one fresh process a command, measured. Knows the command line and nothing behind it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

METER = Path(__file__).with_name("meter.py")


@dataclass(frozen=True)
class Run:
    """Wall time with the start of the process, and peak resident memory, of one command."""

    seconds: float
    peak_mib: float


def measure(command: list[str]) -> Run:
    """Run `command` in a fresh process. RuntimeError with its stderr if it fails."""
    done = subprocess.run([sys.executable, str(METER), *command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr.strip()[-3000:]}")
    return Run(**json.loads(done.stdout))


def compress_command(
    scene: Path, packed: Path, quality: float | None = None, model: str | None = None, effort: int | None = None
) -> list[str]:
    """Command line that writes `packed` from the GeoTIFF `scene`."""
    command = [sys.executable, "-m", "sarcodec", "compress", str(scene), str(packed)]
    command += [] if quality is None else ["--quality", f"{quality:g}"]
    command += [] if effort is None else ["--effort", str(effort)]
    return command + (["--model", model] if model else []) + ["--overwrite"]


def rate_command(scene: Path, packed: Path, bits_per_pixel: float, model: str | None) -> list[str]:
    """Command line that writes `packed` of so many bits a pixel and band."""
    command = [
        sys.executable,
        "-m",
        "sarcodec",
        "compress",
        str(scene),
        str(packed),
        "--target-bpp",
        f"{bits_per_pixel:g}",
    ]
    return command + (["--model", model] if model else []) + ["--overwrite"]


def decompress_command(packed: Path, decoded: Path, *options: str) -> list[str]:
    """Command line that writes the GeoTIFF `decoded` from `packed`."""
    return [sys.executable, "-m", "sarcodec", "decompress", str(packed), str(decoded), *options]


def simulate_command(scene: Path, size_px: int, seed: int = 1) -> list[str]:
    """Command line that writes a simulated two-band scene of size x size pixels, always the same one of a seed."""
    return [sys.executable, "-m", "sarcodec", "simulate", str(scene), "--size", str(size_px), "--seed", str(seed)]


def peer_command(verb: str, source: Path, target: Path, codec: str, options: list[str]) -> list[str]:
    """Command line of `peer_file.py`: `verb` is encode or decode, `codec` j2k, htj2k, jxl or avif."""
    return [sys.executable, str(METER.with_name("peer_file.py")), verb, str(source), str(target), codec, *options]
