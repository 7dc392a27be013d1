"""What a worker finds in its environment."""

import re
from pathlib import Path

from tests.functions.hosts import function

from emulator.functions.environment import variables


def test_every_worker_has_a_log_stream_of_its_own_as_execution_environments_have(
    tmp_path: Path,
) -> None:
    echo = function(tmp_path, "")
    streams = {
        variables(echo, tmp_path, "127.0.0.1:9001", "us-east-1")["AWS_LAMBDA_LOG_STREAM_NAME"]
        for _ in range(3)
    }
    assert len(streams) == 3
    assert all(re.search(r"\[\$LATEST\][0-9a-f]{32}$", stream) for stream in streams)


def test_the_template_can_not_move_the_runtime_api(tmp_path: Path) -> None:
    moved = function(tmp_path, "", environment={"AWS_LAMBDA_RUNTIME_API": "elsewhere", "TZ": "UTC"})
    found = variables(moved, tmp_path, "127.0.0.1:9001", "us-east-1")
    assert found["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:9001"
    assert found["TZ"] == "UTC"
