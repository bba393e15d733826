"""Ten empty tasks in a row, as Prefect runs them, so many times; prints the seconds of each: flow_prefect.py ROUNDS"""

import sys
import time

from prefect import flow, task


@task
def empty(before: object = None) -> None:
    return None


@flow
def chain() -> None:
    future = empty.submit()
    for _ in range(9):
        future = empty.submit(wait_for=[future])
    future.wait()


if __name__ == "__main__":
    chain()  # its server starts with the first one
    for _ in range(int(sys.argv[1])):
        begin = time.perf_counter()
        chain()
        print(time.perf_counter() - begin)
