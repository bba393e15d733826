"""How fast are calls that only read or write a document? One of each protocol, by a client that costs nothing.

python bench/control_plane.py [--rounds N]
"""

import argparse
import json

from tools.clouds import Cloud, protocol_peers, skylab
from tools.figures import Table, percentile
from tools.wire import Wire

CALLS = 500
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def form(body: bytes) -> tuple[bytes, dict[str, str]]:
    return body, FORM


def json_call(target: str, **body: object) -> tuple[bytes, dict[str, str]]:
    return json.dumps(body).encode(), {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}


def questions() -> dict[str, tuple[str, list[tuple[bytes, dict[str, str]]]]]:
    logs = "Logs_20140328."
    return {
        "sts GetCallerIdentity": ("sts", [form(b"Action=GetCallerIdentity&Version=2011-06-15")] * CALLS),
        "logs CreateLogGroup": (
            "logs",
            [json_call(f"{logs}CreateLogGroup", logGroupName=f"g{n:05}") for n in range(CALLS)],
        ),
        "logs DescribeLogGroups (50)": ("logs", [json_call(f"{logs}DescribeLogGroups")] * CALLS),
    }


def ask(cloud: Cloud, table: Table, rounds: int) -> None:
    wire = Wire(cloud.target.url)
    for question, (service, calls) in questions().items():
        requests = [cloud.target.signed(service, "POST", "/", body, headers) for body, headers in calls]
        repeated = 1 if "Create" in question else rounds
        runs = [[wire.timed(request) for request in requests] for _ in range(repeated)]
        table.times(question, cloud.name, min(runs, key=lambda run: percentile(run, 0.5)))
    wire.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="without the peers")
    given = parser.parse_args()
    table = Table("Control plane")
    with skylab() as cloud:
        ask(cloud, table, given.rounds)
    for peer in [] if given.alone else protocol_peers():
        with peer.running() as cloud:
            ask(cloud, table, 1)


if __name__ == "__main__":
    main()
