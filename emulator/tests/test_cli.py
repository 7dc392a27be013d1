"""The command line, with a small project of its own."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from tests.tiny_projects import command, emulate, endpoints, until

from tests import tiny_projects


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    yield tiny_projects.write(tmp_path)
    emulate(tmp_path, "down")


PERSISTED = Path(".local") / "data" / "dev.json"
OF_THE_PROJECT = {"project", "down", "web_push"}


def up(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return emulate(project, "up", "--detach", "--api-port", "0", *arguments, **environment)


def stored(project: Path, body: str) -> dict[str, Any]:
    """What the function has stored for a message that is sent to its queue now."""
    url = endpoints(project)["aws"]
    sqs: Any = boto3.client("sqs", endpoint_url=url)
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="jobs")["QueueUrl"], MessageBody=body)
    table: Any = boto3.client("dynamodb", endpoint_url=url)
    item: dict[str, Any] = until(
        lambda: table.get_item(TableName="items", Key={"id": {"S": body}}).get("Item")
    )
    return item


def hint(printed: str, command: str = "down") -> str:
    """The command in backquotes that the text names for a command of `emulate`."""
    found = re.findall(f"`(emulate {command}[^`]*)`", printed)
    assert found, printed
    return str(found[-1])


def items(project: Path) -> set[str]:
    """The keys of what is in the table."""
    table: Any = boto3.client("dynamodb", endpoint_url=endpoints(project)["aws"])
    return {each["id"]["S"] for each in table.scan(TableName="items")["Items"]}


def stored_in(file: Path) -> set[str]:
    """The same of what is persisted."""
    saved = json.loads(file.read_text(encoding="utf-8"))
    return {each["id"]["S"] for each in saved["tables"]["items"]}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def responses(url: str) -> bool:
    known = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((known.hostname, known.port)) == 0


def test_it_starts_runs_the_template_and_ends_without_a_trace(project: Path) -> None:
    shell = {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_PROFILE": "prod", "AWS_REGION": "eu-west-1"}
    started = up(project, **shell)
    assert started.returncode == 0, started.stdout + started.stderr
    known = endpoints(project)
    assert set(known) == {
        "env",
        "api",
        "websocket",
        "aws",
        "fcm",
        "apns",
        "console",
        "pid",
        "names",
        *OF_THE_PROJECT,
    }
    assert known["env"] == "dev"
    assert known["console"] + "/_local" in started.stdout
    token = (project / ".local" / "console-token").read_text(encoding="ascii")
    assert known["console"].endswith(f"/{token}")
    for name in ("console-token", "endpoints.json", "up.log"):  # what has it is its owner's alone
        assert (project / ".local" / name).stat().st_mode & 0o077 == 0, name
    assert "Ctrl-C" not in started.stdout  # it doesn't reach a detached one

    worker = int(stored(project, "first")["pid"]["N"])
    assert alive(worker)
    environ = Path(f"/proc/{worker}/environ")
    if environ.exists():  # elsewhere than on Linux there is no such file
        assert "AKIAREAL" not in environ.read_text(encoding="utf-8")
    shown = emulate(project, "status")
    assert (shown.returncode, f"pid {known['pid']}" in shown.stdout) == (0, True)
    assert "stored 1" in emulate(project, "logs", "Store").stdout
    assert "Store" in emulate(project, "logs").stdout.split()
    missing = emulate(project, "logs", "Nothing")
    assert (missing.returncode, "there is no log 'Nothing'" in missing.stderr) == (1, True)

    again = up(project)
    assert again.returncode == 1
    assert f"it runs already (pid {known['pid']}" in again.stdout
    port = str(urlsplit(known["console"]).port)
    elsewhere = up(project, "--state-dir", str(project / "other"), "--api-port", port)
    assert f"port {port} is taken by the emulator of {project} (pid" in elsewhere.stdout
    assert hint(again.stdout) == hint(elsewhere.stdout) == hint(started.stdout)

    shell = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    typed = shlex.split(hint(started.stdout))
    ended = subprocess.run(typed, cwd=project, env=shell, capture_output=True, text=True)
    assert ended.stdout == "the emulator has ended\n"
    assert not (project / ".local" / "endpoints.json").exists()
    until(lambda: not any(alive(pid) for pid in (known["pid"], worker)))
    # somebody else may have been given one of them already, for a moment
    until(lambda: not any(responses(known[name]) for name in ("aws", "fcm", "apns", "console")))
    assert emulate(project, "status").returncode == 1
    assert emulate(project, "down").returncode == 0


def test_persisted_data_comes_back_and_what_is_killed_leaves_no_process_either(
    project: Path,
) -> None:
    up(project)
    assert stored(project, "persisted")
    emulate(project, "down")

    assert "put back" in up(project).stdout
    known = endpoints(project)
    table: Any = boto3.client("dynamodb", endpoint_url=known["aws"])
    assert table.get_item(TableName="items", Key={"id": {"S": "persisted"}})["Item"]
    worker = int(stored(project, "new")["pid"]["N"])
    os.kill(known["pid"], signal.SIGKILL)
    until(lambda: not alive(worker) and not responses(known["aws"]))
    assert "the emulator is not running; `emulate up`" in emulate(project, "status").stdout

    # what was written last is there, too
    until(lambda: stored_in(project / PERSISTED) == {"persisted", "new"})


@pytest.mark.deep
def test_elsewhere_is_another_folder_s_data_and_fresh_has_none(project: Path) -> None:
    up(project)
    assert stored(project, "persisted")
    emulate(project, "down")
    file = project / PERSISTED
    assert stored_in(file) == {"persisted"}
    up(project, "--data", str(project / "elsewhere"))
    assert items(project) == set()
    emulate(project, "down")
    file.write_text("{}", encoding="utf-8")
    bodies = file.with_suffix(".objects")
    bodies.mkdir()
    (bodies / "digest").touch()
    unreadable = up(project)
    assert unreadable.returncode == 1
    fresh = shlex.split(hint(unreadable.stdout, "up"))[2:]
    assert fresh == ["--fresh"]
    assert up(project, *fresh).returncode == 0
    assert items(project) == set()
    assert not bodies.exists()


@pytest.mark.deep
def test_the_process_of_a_function_ends_when_it_is_idle_also_in_a_detached_one(
    project: Path,
) -> None:
    assert up(project, "--idle-limit", "0.5").returncode == 0
    first = int(stored(project, "first")["pid"]["N"])
    until(lambda: not alive(first))
    assert int(stored(project, "second")["pid"]["N"]) != first


def test_a_reader_that_goes_away_does_not_end_a_detached_one(project: Path) -> None:
    typed = shlex.join(command(project, "up", "--detach", "--api-port", "0"))
    shown = subprocess.run(["bash", "-c", f"{typed} | head -1"], capture_output=True, text=True)
    assert (shown.stderr, len(shown.stdout.splitlines())) == ("", 1)
    until(lambda: emulate(project, "status").returncode == 0)


def test_a_folder_that_cannot_be_written_gets_a_sentence(project: Path) -> None:
    """/proc takes no folder from anybody, root included."""
    for start in (("up",), ("up", "--detach")):
        rejected = emulate(project, *start, "--api-port", "0", "--state-dir", "/proc/emulator")
        assert rejected.returncode == 1
        assert "Traceback" not in rejected.stderr
        assert "/proc/emulator can't be written" in rejected.stderr
        assert "--state-dir" in rejected.stderr


def test_ctrl_c_while_it_starts_ends_it(project: Path) -> None:
    (project / "app.py").write_text("import time; time.sleep(60)", encoding="utf-8")
    process = subprocess.Popen(
        command(project, "up", "--api-port", "0"), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process:
        assert "synthesizing" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert "no process and no port is left" in process.stdout.read()
    assert process.returncode == 0


def test_a_port_that_is_taken_is_named_with_what_to_do(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments in (("--api-port", port), ("--api-port", "0", "--ws-port", port)):
            rejected = emulate(project, "up", *arguments)
            assert rejected.returncode == 1
            assert f"port {port} for the " in rejected.stderr
            assert "choose another port" in rejected.stderr
    assert not (project / "synthesized").exists()


def test_the_output_of_a_synthesis_is_shown_when_it_fails(project: Path) -> None:
    (project / "broken").touch()
    failed = emulate(project, "up", "--api-port", "0")
    assert failed.returncode == 1
    assert "config.py: pools need a weight" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.deep
def test_settings_reach_the_app_whose_remarks_are_shown_also_when_it_does_not_run_again(
    project: Path,
) -> None:
    setting = "load_balancer.ip_hash"
    for _ in range(2):
        started = up(project, "-c", f"{setting}=true", "--context", "a.b=x=y")
        assert started.returncode == 0
        assert tiny_projects.REMARK in started.stdout
        emulate(project, "down")
    given = (project / "synthesized").read_text(encoding="utf-8")
    assert given == f'{{"{setting}": "true", "a.b": "x=y"}}\n'


@pytest.mark.parametrize(
    ("given", "message"),
    [("ip_hash", "write KEY=VALUE"), ("=x", "write KEY=VALUE"), ("env=prod", "by --env")],
)
def test_what_is_no_setting_is_rejected(project: Path, given: str, message: str) -> None:
    rejected = up(project, "--context", given)
    assert rejected.returncode == 2
    assert message in rejected.stderr


@pytest.mark.deep
def test_a_resource_type_nobody_knows_stops_it_by_name(tmp_path: Path) -> None:
    unknown = {"Search": {"Type": "AWS::OpenSearchService::Domain"}}
    tiny_projects.write(tmp_path, {**tiny_projects.RESOURCES, **unknown})
    stopped = emulate(tmp_path, "up", "--api-port", "0")
    assert stopped.returncode == 1
    assert "AWS::OpenSearchService::Domain Search in stack my-Stack" in stopped.stderr


def test_a_directory_without_an_app_is_reported(tmp_path: Path) -> None:
    missing = emulate(tmp_path, "up", "--api-port", "0")
    assert (missing.returncode, "has no app.py" in missing.stderr) == (1, True)


def test_the_commands_load_no_server_and_no_sdk() -> None:
    """Or `status` and `down` would take as long as a start."""
    loaded = "import sys, emulator.cli.commands; print(*sys.modules)"
    printed = subprocess.check_output([sys.executable, "-c", loaded], text=True)
    assert not {"aiohttp", "asyncio", "boto3", "http.client", "moto"} & set(printed.split())


@pytest.mark.deep
def test_two_run_side_by_side(tmp_path: Path, project: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    tiny_projects.write(other)
    try:
        assert up(project).returncode == up(other).returncode == 0
        assert endpoints(project)["aws"] != endpoints(other)["aws"]
        assert stored(project, "one")["id"] == {"S": "one"}
        assert stored(other, "two")["id"] == {"S": "two"}
    finally:
        emulate(other, "down")
