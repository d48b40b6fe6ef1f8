"""`gravitas-telemetry-client replay FILE…`: delivers spool files (docs/specs/client.md, 4.7)."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ._answers import Acknowledged, Answer, TooLarge, TryAgain
from ._circuit import TRIES_MAX, Circuit
from ._http_transport import HttpTransport
from ._option_checks import checked
from ._options import resolve
from ._spool_lines import Line, read_lines


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="gravitas-telemetry-client", description="Client of gravitas-telemetry.")
    commands = parser.add_subparsers(required=True)
    replay = commands.add_parser("replay", help="deliver spool files; files and batches stay as they are")
    replay.add_argument("files", nargs="+", type=Path, metavar="FILE")
    replay.add_argument("--url", help="of the service; otherwise TELEMETRY_URL, or http://localhost:8002")
    given = parser.parse_args(arguments)
    try:
        transport = HttpTransport(resolve({"url": checked("url", given.url)} if given.url else {}))
    except Exception as error:  # an option that is none, a proxy without its package
        print(f"there is no way to the service: {error}", file=sys.stderr)
        return 1
    try:
        # Not a generator: every file is delivered, whatever became of the one before.
        delivered = [_replay(file, transport) for file in given.files]
    finally:
        transport.close()
    return 0 if all(delivered) else 1


def _replay(file: Path, transport: HttpTransport) -> bool:
    try:
        lines = list(read_lines(file.read_bytes()))
    except OSError as error:
        print(f"{file}: {error.strerror}", file=sys.stderr)
        return False
    all_delivered = True
    for number, line in enumerate(lines, start=1):
        if not isinstance(line, Line):
            print(f"{file}: batch {number} can't be read")
            all_delivered = False
            continue
        for batch_id, answer in _deliver(line, transport):
            all_delivered &= isinstance(answer, Acknowledged)
            print(f"{file}: batch {batch_id} {_said(answer)}")
    return all_delivered


def _deliver(line: Line, transport: HttpTransport) -> Iterator[tuple[str, Answer]]:
    """What became of the batch, or of the parts that it had to be split into."""
    circuit = Circuit()
    for _ in range(TRIES_MAX):
        time.sleep(max(circuit.retry_at - time.monotonic(), 0))
        answer = transport.send_line(line.text, line.batch_id)
        if not isinstance(answer, TryAgain):
            break
        circuit.failed(answer.delay_s)
    halves = line.halves() if isinstance(answer, TooLarge) else []
    for half in halves:
        yield from _deliver(half, transport)
    if not halves:
        yield line.batch_id, answer


def _said(answer: Answer) -> str:
    if isinstance(answer, Acknowledged):
        return f"delivered: {answer.stored} stored, {answer.rejected} rejected {answer.reason}".rstrip()
    return f"not delivered: {answer.message}"


if __name__ == "__main__":
    sys.exit(main())
