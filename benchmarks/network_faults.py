"""Faults on the way: a web server that goes wrong in one of many ways, and everything that reads from it.

    nice -n 10 python benchmarks/network_faults.py [--faults 1000] [--seed 0]

Each fault has an address of its own on a server on this machine (tests/faulty_server.py says what may go wrong): answers that are cut, too long, of another place, of no sense, of an
error; none at all; a file that is replaced between two requests. It begins with the first, second or third request, and happens once, twice or always. A window, an overview, the
whole, an attachment are read, or the file is verified, with waits shorter than a user has (a second for an answer, three for all tries of a request). Prints, by kind, how many gave the
right result and how many were refused with an error of sarcodec's. Status 1 if any gave a wrong pixel, an error of another kind, or took longer than half a minute.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "tests")]

from faulty_server import faulty_server  # noqa: E402  # after the folder of the tests is on the path
from network_faults import MOST_S, REFUSED, RIGHT, Judge, Outcome, short_waits, small_file  # noqa: E402


def as_markdown(outcomes: list[Outcome]) -> str:
    """By kind, then all."""
    by_kind: dict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        by_kind[one.kind].append(one)
    lines = ["| fault | tried | right | refused | longest, s |", "|---" * 5 + "|"]
    for kind, some in (*by_kind.items(), ("all", outcomes)):
        said = Counter(one.said for one in some)
        longest = max(one.seconds for one in some)
        lines.append(f"| {kind} | {len(some):,} | {said[RIGHT]:,} | {said[REFUSED]:,} | {longest:.1f} |")
    return "\n".join(lines)


def main() -> int:
    """Try, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=8)
    arguments = parser.parse_args()
    with faulty_server() as faulty, short_waits(), ThreadPoolExecutor(arguments.at_once) as pool:
        judge = Judge(faulty, small_file(1), small_file(2))
        outcomes = list(pool.map(lambda number: judge.outcome(number, arguments.seed), range(arguments.faults)))
    print(as_markdown(outcomes))
    broken = [one for one in outcomes if one.said not in (RIGHT, REFUSED) or one.seconds > MOST_S]
    for one in broken:
        print(one, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
