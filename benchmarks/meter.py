"""Runs one command and prints {"seconds", "peak_mib"} as JSON: wall time with start-up, and its peak resident memory.

A process of its own, and a small one: Linux counts the peak of the process that forks into that of its child.
"""

import json
import resource
import subprocess
import sys
import time


def main(command: list[str]) -> int:
    """Run `command`, its stdout thrown away; return its exit status."""
    start = time.perf_counter()
    status = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    seconds = time.perf_counter() - start
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps({"seconds": seconds, "peak_mib": peak_kib / 1024}))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
