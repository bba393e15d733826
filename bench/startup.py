"""How long does `skylab up` take, from the command to its answer? In a new folder, and in one it knows.

python bench/startup.py [--rounds N]
"""

import argparse
import time

from tools.clouds import down, folder, protocol_peers, up
from tools.figures import Table


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--alone", action="store_true", help="without the peers")
    given = parser.parse_args()
    table = Table("Start")
    first, again = [], []
    for _ in range(given.rounds):
        with folder() as root:
            for timings in (first, again):
                begin = time.perf_counter()
                up(root)
                timings.append(time.perf_counter() - begin)
                down(root)
    table.times("start in a new folder", "skylab", first, "<= 1 s")
    table.times("start in a known folder", "skylab", again, "<= 1 s")
    for peer in [] if given.alone else protocol_peers():
        timings = []
        for _ in range(min(given.rounds, 3)):
            begin = time.perf_counter()
            with peer.running():
                timings.append(time.perf_counter() - begin)
        table.times("start in a new folder", peer.name, timings)


if __name__ == "__main__":
    main()
