"""Requests and bytes of an archive from a bucket into a bucket, counted by the server (moto's S3): what a scene takes, and what a start takes where all is done.

    python benchmarks/archive_requests.py --scenes 24 --folder /tmp/requests

Runs of two numbers of scenes; what both have in common is no scene's. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import numpy as np

from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import write_array
from sarcodec.storage import objects

SIDE_PX = 128
KINDS = ("list", "HEAD", "GET", "PUT")
LINE = re.compile(r'"(GET|HEAD|PUT|POST|DELETE) (\S+) HTTP')


class Server:
    """moto's S3, whose log is read."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.log = folder / "log"
        command = [sys.executable, "-m", "moto.server", "-p", str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=open(self.log, "w"))  # noqa: SIM115  # as long as the process
        address = f"http://127.0.0.1:{port}"
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
        os.environ |= {"AWS_ENDPOINT_URL": address, "AWS_ALLOW_HTTP": "true", **keys}
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        urllib.request.urlopen(urllib.request.Request(f"{address}/bucket", method="PUT"), timeout=30).close()

    def asked(self) -> Counter[str]:
        """Requests so far, by kind."""
        time.sleep(0.5)
        found: Counter[str] = Counter()
        for method, path in LINE.findall(self.log.read_text()):
            found["list" if method == "GET" and "list-type" in path else method] += 1
        return found


def run(folder: Path, name: str) -> None:
    """One start of the archive."""
    places = [f"s3://bucket/{name}/in", f"s3://bucket/{name}/out", "--table", str(folder / name)]
    command = [sys.executable, "-m", "sarcodec", "archive", *places, "--quiet", "--effort", "0"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Two archives, each begun twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--folder", type=Path, required=True, help="empty, or not there yet; removed at the end")
    options = parser.parse_args()
    options.folder.mkdir(parents=True)
    server = Server(options.folder)
    found: dict[tuple[int, str], Counter[str]] = {}
    try:
        scene = options.folder / "scene.tif"
        for count in (2, options.scenes):
            for number in range(count):
                speckle = np.random.default_rng(number).gamma(4, 0.25, (1, SIDE_PX, SIDE_PX))
                pixels = np.rint(300 * np.sqrt(speckle)).clip(1).astype(np.uint16)
                write_array(scene, pixels, SceneInfo(SIDE_PX, SIDE_PX, 1, "uint16"), overwrite=True)
                objects.put(scene, f"s3://bucket/{count}/in/{number:04}.tif", overwrite=True)
            for stage in ("first", "again"):
                before = server.asked()
                run(options.folder, str(count))
                found[count, stage] = server.asked() - before
    finally:
        server.process.terminate()
        server.process.wait(10)
        shutil.rmtree(options.folder)
    print("| | " + " | ".join(KINDS) + " |\n|---|" + "---|" * len(KINDS))
    for stage, what in (("first", "a scene, compressed and judged"), ("again", "a scene that is done")):
        few, many = found[2, stage], found[options.scenes, stage]
        each = [(many[kind] - few[kind]) / (options.scenes - 2) for kind in KINDS]
        print(f"| {what} | " + " | ".join(f"{one:.3g}" for one in each) + " |")
        rest = [few[kind] - 2 * one for kind, one in zip(KINDS, each)]
        print("| the run beside | " + " | ".join(f"{one:.3g}" for one in rest) + " |")


if __name__ == "__main__":
    main()
