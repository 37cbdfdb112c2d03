"""Serves databases until its input ends: `TSQLITE_PASSWORD=... python -m tsqlite.tds Sales=sales.db Stock=stock.db`.

Writes one line with the port to its output.
"""

from __future__ import annotations

import argparse
import os
import sys

from .server import Server


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tsqlite.tds", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("databases", nargs="+", metavar="NAME=FILE", help="databases, created where they are not there")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--encryption", choices=("optional", "required", "off"))
    parser.add_argument("--synchronous", choices=("FULL", "NORMAL", "OFF"), default="FULL")
    parser.add_argument(
        "--read-only",
        action="append",
        default=[],
        metavar="NAME=REPLICA",
        help="for ApplicationIntent=ReadOnly",
    )
    options = parser.parse_args()
    password = os.environ.get("TSQLITE_PASSWORD")
    if not password:
        parser.error("TSQLITE_PASSWORD is not set")
    server = Server(
        dict(item.split("=", 1) for item in options.databases),
        password=password,
        host=options.host,
        port=options.port,
        encryption=options.encryption,
        synchronous=options.synchronous,
        read_only=dict(item.split("=", 1) for item in options.read_only),
    )
    with server:
        print(server.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
