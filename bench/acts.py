"""Benchmark of acts: rounds of calls, bytes of frames and of logs.

tools/scale/acts.py has these figures, with the calls and capacity units that
tests/lambdas/test_costs.py counts. The scenes run in a process of their own, since its log is the
measure: lines of the functions and metrics, without those that Lambda itself writes.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from bench.table import Row
from tools.scale.acts import ACTS, Act

TELEMETRY = {  # as the template sets it
    "POWERTOOLS_METRICS_NAMESPACE": "Switchboard",
    "POWERTOOLS_SERVICE_NAME": "messages",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}
LOG_TOLERANCE = 0.1  # ids and numbers of other lengths


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "acts.json"
        kept = {name: of for name, of in os.environ.items() if not name.startswith("POWERTOOLS")}
        subprocess.run(
            [sys.executable, "-m", "bench.acts", str(report)],
            env={**kept, **TELEMETRY},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        found = {name: Act(**each) for name, each in json.loads(report.read_text()).items()}
    return [_row(name, found[name]) for name in found]


def _row(name: str, found: Act) -> Row:
    expected = ACTS[name]
    same = (found.rounds, found.frames) == (expected.rounds, expected.frames)
    near = all(
        abs(one - other) <= LOG_TOLERANCE * max(other, 100)
        for one, other in ((found.sent, expected.sent), (found.logged, expected.logged))
    )
    figure = (
        f"{found.rounds} rounds, {found.frames} frames, {found.sent:,} bytes to clients, "
        f"{found.logged:,} of logs"
    )
    return Row(name, figure, "as in tools/scale/acts.py", same and near)


def measure() -> dict[str, Act]:
    """Of each act by its name. Slow: each call takes 20 ms, so that rounds are seen."""
    from bench import cost
    from lambdas.limits import sampled
    from tests.support.lambdas import acts
    from tests.support.lambdas.backend import Backend, backend, cloud, unwatched_dynamodb

    def one(world: Backend, name: str) -> Act:
        act = acts.ACTS[name](world)
        posted = len(world.api.requests)
        recorder = cost.Recorder(unwatched_dynamodb())
        clients = world.aws.dynamodb, world.aws.sqs
        for each in clients:
            recorder.watch(each)
        with _stdout() as log:
            response = act()
        for each in clients:
            recorder.unwatch(each)
        posts = world.api.requests[posted:]
        bill = cost.Bill(calls=recorder.calls)
        returned = (
            [] if response is None or isinstance(response, str) else acts.response_frames(response)
        )
        texts = [each.body for each in posts] + returned
        return Act(
            functions=(),
            writes=bill.writes,
            reads=bill.reads,
            posts=len(posts),
            jobs=sum(call.pushes for call in recorder.calls),
            rounds=bill.rounds + bool(posts),
            frames=sum(map(cost.websocket_units, texts)),
            sent=sum(len(text.encode()) for text in texts),
            logged=log[0],
        )

    found = {}
    with cloud() as emulated:
        for name in acts.ACTS:
            sampled.cache_clear()
            with backend(*emulated) as world:
                found[name] = one(world, name)
    return found


@contextmanager
def _stdout() -> Iterator[list[int]]:
    """The bytes that this process writes to its output meanwhile."""
    size: list[int] = []
    sys.stdout.flush()
    kept = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            yield size
        finally:
            sys.stdout.flush()
            size.append(os.fstat(file.fileno()).st_size)
            os.dup2(kept, 1)
            os.close(kept)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(
        json.dumps({name: asdict(each) for name, each in measure().items()})
    )
