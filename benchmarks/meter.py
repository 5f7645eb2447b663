"""Runs one command and prints {"seconds", "peak_mib"} as JSON: wall time with start-up, and the peak resident memory of its whole tree of processes.

The peak is the greater of two: that of the largest process, which Linux keeps exactly, and the sum over all processes that were alive at
once, looked at twenty times a second. A process of its own, and a small one: Linux counts the peak of the process that forks into
that of its child.
"""

import json
import os
import resource
import subprocess
import sys
import threading
import time

EVERY_S = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")


def tree_bytes(root: int) -> int:
    """Resident memory of a process and all its descendants; pages that they share count once a process."""
    return sum(_resident(process) for process in _tree(root))


def _tree(root: int) -> list[int]:
    found = [root]
    for process in found:
        found += _children(process)
    return found


def _children(process: int) -> list[int]:
    children: list[int] = []
    try:
        for task in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{task}/children") as file:
                children += map(int, file.read().split())
    except OSError:
        pass  # It has ended meanwhile.
    return children


def _resident(process: int) -> int:
    try:
        with open(f"/proc/{process}/statm") as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return 0


class Watch(threading.Thread):
    """Looks at a tree of processes until it is told that the root has ended; `peak`: the most bytes seen."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root, self.peak, self.ended = root, 0, threading.Event()

    def run(self) -> None:
        while not self.ended.wait(EVERY_S):
            self.peak = max(self.peak, tree_bytes(self.root))


def main(command: list[str]) -> int:
    """Run `command`, its stdout thrown away; return its exit status."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        watch = Watch(process.pid)
        watch.start()
        status = process.wait()
        seconds = time.perf_counter() - start
        watch.ended.set()
        watch.join()
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak_mib": max(largest, watch.peak) / (1 << 20)}))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
