"""Functions through AWS's runtime client and through our own, against the local Runtime API."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.functions.hosts import function, running, until

from emulator.functions import pool
from emulator.functions.environment import has_awslambdaric
from emulator.functions.functions import Functions
from emulator.providers import EmulatorError, InvokeResult, NoFreeWorker, Throttled

RUNTIMES = [pytest.param(True, id="own")]
if has_awslambdaric():
    RUNTIMES.append(pytest.param(False, id="awslambdaric"))

both_runtimes = pytest.mark.parametrize("own_runtime", RUNTIMES)


def run(
    directory: Path,
    source: str,
    scenario: Callable[[Functions], Awaitable[Any]],
    *,
    own_runtime: bool = False,
    limit: int = 10,
    idle_limit: float = 60,
    reported: list[str] | None = None,
    **fields: Any,
) -> Any:
    async def main() -> Any:
        async with running(
            directory,
            own_runtime=own_runtime,
            limit=limit,
            idle_limit=idle_limit,
            reported=reported,
        ) as functions:
            functions.add(function(directory, source, **fields))
            return await scenario(functions)

    return asyncio.run(main())


def invoked(directory: Path, source: str, event: Any = None, **fields: Any) -> InvokeResult:
    """The result of one invocation of the function that `source` is."""
    result: InvokeResult = run(
        directory,
        source,
        lambda functions: functions.invoke("echo", json.dumps(event).encode()),
        **fields,
    )
    return result


@both_runtimes
def test_an_event_comes_back_as_the_handlers_response(tmp_path: Path, own_runtime: bool) -> None:
    source = "def handler(event, context): return {'got': event}"
    result = invoked(tmp_path, source, {"text": "नमस्ते 👋"}, own_runtime=own_runtime)
    assert not result.error
    assert json.loads(result.payload) == {"got": {"text": "नमस्ते 👋"}}


@both_runtimes
def test_the_context_and_the_environment_are_lambdas(tmp_path: Path, own_runtime: bool) -> None:
    source = """
import os
def handler(event, context):
    return {
        "arn": context.invoked_function_arn,
        "name": context.function_name,
        "memory": context.memory_limit_in_mb,
        "id": context.aws_request_id,
        "left": context.get_remaining_time_in_millis(),
        "trace": os.environ["_X_AMZN_TRACE_ID"],
        "root": os.environ["LAMBDA_TASK_ROOT"],
        "here": os.getcwd(),
        "version": os.environ["AWS_EXECUTION_ENV"],
        "own": os.environ["TABLE"],
        "home": os.environ.get("HOME"),
    }
"""
    result = invoked(
        tmp_path,
        source,
        own_runtime=own_runtime,
        timeout=6.0,
        memory=512,
        environment={"TABLE": "chats"},
    )
    seen = json.loads(result.payload)
    assert seen["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:echo"
    assert (seen["name"], seen["memory"], seen["own"]) == ("echo", "512", "chats")
    assert 0 < seen["left"] <= 6000
    assert len(seen["id"]) == 36
    assert seen["trace"].startswith("Root=1-")
    assert seen["root"] == seen["here"] == str(tmp_path / "code")
    assert seen["version"] == "AWS_Lambda_python3.13"
    assert seen["home"] is None


@both_runtimes
def test_an_exception_is_the_error_document_with_its_own_frames(
    tmp_path: Path, own_runtime: bool
) -> None:
    source = """
def inner():
    raise ValueError("no such chat")
def handler(event, context):
    inner()
"""
    reported: list[str] = []
    result = invoked(tmp_path, source, own_runtime=own_runtime, reported=reported)
    document = json.loads(result.payload)
    assert result.error
    assert (document["errorType"], document["errorMessage"]) == ("ValueError", "no such chat")
    assert len(document["stackTrace"]) == 2
    assert "inner()" in document["stackTrace"][0]
    assert "raise ValueError" in document["stackTrace"][1]
    where = tmp_path / "logs" / "Echo.log"
    assert reported == [f"Echo failed: module.py:3: ValueError: no such chat ({where})"]
    assert "no such chat" in (tmp_path / "logs" / "Echo.log").read_text(encoding="utf-8")


deep = partial(pytest.param, marks=pytest.mark.deep)


@both_runtimes
@pytest.mark.parametrize(
    ("source", "handler", "error_type", "message"),
    [
        ("import pytest", "module.handler", "Runtime.ImportModuleError", "module named 'pytest'"),
        deep("import local", "module.handler", "Runtime.ImportModuleError", "named 'local'"),
        ("x = 1", "module.handler", "Runtime.HandlerNotFound", "'handler' missing on module"),
        deep("x = 1", "nothing.handler", "Runtime.ImportModuleError", "named 'nothing'"),
        ("def (", "module.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module"),
        deep("1 / 0", "module.handler", "ZeroDivisionError", "division by zero"),
    ],
)
def test_a_handler_that_cannot_be_imported_fails_the_invocation_with_the_reason(
    tmp_path: Path, own_runtime: bool, source: str, handler: str, error_type: str, message: str
) -> None:
    result = invoked(tmp_path, source, own_runtime=own_runtime, handler=handler)
    document = json.loads(result.payload)
    assert result.error
    assert document["errorType"] == error_type
    assert message in document["errorMessage"]


@both_runtimes
def test_what_the_runtime_has_on_aws_is_importable(tmp_path: Path, own_runtime: bool) -> None:
    source = """
import botocore, boto3, dateutil, jmespath, s3transfer, simplejson, six, urllib3
def handler(event, context): return boto3.__name__
"""
    assert invoked(tmp_path, source, own_runtime=own_runtime).payload == b'"boto3"'


@both_runtimes
def test_a_response_that_is_no_json_is_a_marshal_error(tmp_path: Path, own_runtime: bool) -> None:
    source = "def handler(event, context): return {1, 2}"
    document = json.loads(invoked(tmp_path, source, own_runtime=own_runtime).payload)
    assert document["errorType"] == "Runtime.MarshalError"


@both_runtimes
def test_a_function_that_takes_too_long_is_killed_and_the_next_event_gets_a_new_worker(
    tmp_path: Path, own_runtime: bool
) -> None:
    source = """
import os, time
def handler(event, context):
    if event == "hang":
        time.sleep(60)
    return os.getpid()
"""

    async def scenario(functions: Functions) -> tuple[InvokeResult, ...]:
        return (
            await functions.invoke("echo", b'""'),
            await functions.invoke("echo", b'"hang"'),
            await functions.invoke("echo", b'""'),
        )

    before, hung, after = run(tmp_path, source, scenario, own_runtime=own_runtime, timeout=3)
    document = json.loads(hung.payload)
    assert hung.error
    assert document["errorType"] == "Sandbox.Timedout"
    assert document["errorMessage"].endswith("Error: Task timed out after 3.00 seconds")
    assert before.payload != after.payload
    assert not after.error


@both_runtimes
def test_a_function_that_ends_its_process_is_an_exit_error(
    tmp_path: Path, own_runtime: bool
) -> None:
    source = """
import os
def handler(event, context): os._exit(3)
"""
    document = json.loads(invoked(tmp_path, source, own_runtime=own_runtime).payload)
    assert document["errorType"] == "Runtime.ExitError"
    assert document["errorMessage"].endswith("Runtime exited with error: exit status 3")


def test_payloads_over_six_megabytes_are_rejected_both_ways(tmp_path: Path) -> None:
    source = "def handler(event, context): return 'x' * event"
    document = json.loads(invoked(tmp_path, source, 6 * 1024 * 1024 + 100).payload)
    assert document["errorType"] == "Function.ResponseSizeTooLarge"
    document = json.loads(invoked(tmp_path, source, "x" * 6 * 1024 * 1024).payload)
    assert document["errorType"] == "RequestTooLargeException"


WAITING = """
import os, time
def handler(event, context):
    deadline = time.time() + 20
    while not os.path.exists(event) and time.time() < deadline:
        time.sleep(0.01)
    return os.getpid()
"""


def test_invocations_at_the_same_time_have_a_worker_each_and_later_ones_use_these(
    tmp_path: Path,
) -> None:
    gate = tmp_path / "gate"
    event = json.dumps(str(gate)).encode()

    async def scenario(functions: Functions) -> None:
        running = [asyncio.create_task(functions.invoke("echo", event)) for _ in range(3)]
        await until(lambda: functions.state()["functions"][0]["busy"] == 3)
        gate.touch()
        first = {result.payload for result in await asyncio.gather(*running)}
        assert len(first) == 3
        assert (await functions.invoke("echo", event)).payload in first

    run(tmp_path, WAITING, scenario, timeout=30.0)


def test_more_invocations_than_workers_wait_for_their_turn(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    event = json.dumps(str(gate)).encode()

    async def scenario(functions: Functions) -> None:
        running = [asyncio.create_task(functions.invoke("echo", event)) for _ in range(5)]
        await until(lambda: functions.state()["functions"][0]["busy"] == 2)
        gate.touch()
        assert len({result.payload for result in await asyncio.gather(*running)}) == 2

    run(tmp_path, WAITING, scenario, limit=2, timeout=30.0)


def test_a_reserved_concurrency_throttles_what_is_above_it(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    event = json.dumps(str(gate)).encode()

    async def scenario(functions: Functions) -> None:
        running = asyncio.create_task(functions.invoke("echo", event))
        await until(lambda: functions.state()["functions"][0]["busy"] == 1)
        with pytest.raises(Throttled, match="echo has reached its reserved concurrency"):
            await functions.invoke("echo", event)
        gate.touch()
        assert not (await running).error

    run(tmp_path, WAITING, scenario, reserved=1, timeout=30.0)


def test_what_waits_too_long_for_a_free_worker_is_throttled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "gate"
    event = json.dumps(str(gate)).encode()

    async def scenario(functions: Functions) -> None:
        gate.touch()
        await functions.invoke("echo", event)
        await until(lambda: functions.state()["functions"][0]["busy"] == 0)
        gate.unlink()
        running = asyncio.create_task(functions.invoke("echo", event))
        await until(lambda: functions.state()["functions"][0]["busy"] == 1)
        monkeypatch.setattr(pool, "QUEUE_SECONDS", 0.0)
        with pytest.raises(NoFreeWorker, match="echo had no free worker for 0 s"):
            await functions.invoke("echo", event)
        assert functions.state()["functions"][0]["waiting"] == 0
        gate.touch()
        assert not (await running).error

    run(tmp_path, WAITING, scenario, limit=1, timeout=30.0)


def test_what_waits_for_the_first_worker_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "QUEUE_SECONDS", 0.0)

    async def scenario(functions: Functions) -> None:
        assert not (await functions.invoke("echo", b"{}")).error

    run(tmp_path, "def handler(event, context): return 1", scenario)


def test_a_prewarmed_function_has_a_worker_before_its_first_event(tmp_path: Path) -> None:
    async def scenario(functions: Functions) -> None:
        await functions.start()
        await functions.warm()
        assert functions.state()["functions"][0]["workers"] == 1

    run(tmp_path, "def handler(event, context): return 1", scenario)


def test_an_idle_worker_ends_by_itself_and_the_next_event_gets_a_new_one(tmp_path: Path) -> None:
    source = "import os\ndef handler(event, context): return os.getpid()"

    async def scenario(functions: Functions) -> None:
        first = await functions.invoke("echo", b"{}")
        await until(lambda: functions.state()["functions"][0]["workers"] == 0)
        with pytest.raises(ProcessLookupError):
            os.kill(int(first.payload), 0)
        second = await functions.invoke("echo", b"{}")
        assert not second.error
        assert second.payload != first.payload

    reported: list[str] = []
    run(tmp_path, source, scenario, idle_limit=0.2, reported=reported)
    assert reported == []


def test_a_busy_worker_is_not_idle_however_long_it_takes(tmp_path: Path) -> None:
    source = "import time\ndef handler(event, context): time.sleep(0.8)"
    result: InvokeResult = run(
        tmp_path, source, lambda functions: functions.invoke("echo", b"{}"), idle_limit=0.2
    )
    assert not result.error


def test_events_that_arrive_as_idle_workers_end_all_get_results(tmp_path: Path) -> None:
    async def scenario(functions: Functions) -> None:
        for _ in range(15):
            assert (await functions.invoke("echo", b"7")).payload == b"7"
            await asyncio.sleep(0.05)

    reported: list[str] = []
    run(
        tmp_path,
        "def handler(event, context): return event",
        scenario,
        own_runtime=True,
        idle_limit=0.05,
        reported=reported,
    )
    assert reported == []


def test_a_function_that_cannot_start_says_so_when_it_is_prewarmed(tmp_path: Path) -> None:
    """With the line, whatever is wrong; a text that is no Latin-1 ends Lambda's runtime client."""

    async def scenario(functions: Functions) -> None:
        await functions.start()
        await functions.warm()
        while not reported:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)
        assert functions.state()["functions"][0]["error"]["text"] in reported[0]

    for source, line in (
        ("import os\nimport nothing", "2: ModuleNotFoundError: No module named 'nothing'"),
        ("import os\ndef handler(:", "2: SyntaxError: invalid syntax"),
        (
            "raise ValueError('caf\u00e9\\n\U0001f600')",
            "1: ValueError: caf\u00e9 \u23ce \U0001f600",
        ),
    ):
        reported: list[str] = []
        run(tmp_path, source, scenario, reported=reported)
        where = tmp_path / "logs" / "Echo.log"
        assert reported == [f"Echo can't start: module.py:{line} ({where})"]


def test_a_function_is_found_by_name_arn_and_invocation_uri(tmp_path: Path) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:echo"
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"

    async def scenario(functions: Functions) -> None:
        for reference in ("echo", arn, uri, f"{arn}:$LATEST"):
            assert (await functions.invoke(reference, b"7")).payload == b"7"
        with pytest.raises(EmulatorError, match=r"no function 'other' \(there are: echo\)"):
            await functions.invoke("other", b"7")

    run(tmp_path, "def handler(event, context): return event", scenario)
