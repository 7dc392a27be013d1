"""The environment of a worker process: its variables and the packages that it can import.

Source: Lambda developer guide, "Defined runtime environment variables", "Building Lambda
functions with Python" (packages of the runtime).
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from emulator import credentials
from emulator.functions.model import Function

RUNTIME_PACKAGES = (
    "awslambdaric",
    "boto3",
    "botocore",
    "jmespath",
    "python-dateutil",
    "s3transfer",
    "simplejson",
    "six",
    "snapshot-restore-py",
    "urllib3",
)
"""What the Python runtimes of Lambda have beside the standard library."""

OWN_RUNTIME = Path(__file__).with_name("own_runtime.py")


def link_runtime_packages(directory: Path) -> Path:
    """Make `directory` hold links to the runtime's packages and to nothing else. A bundle that
    lacks a package then fails here as it would on AWS."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted: dict[str, Path] = {}
    for package in RUNTIME_PACKAGES:
        try:
            distribution = metadata.distribution(package)
        except metadata.PackageNotFoundError:
            if package != "awslambdaric":  # there are no wheels of it outside Linux
                raise
            continue
        for file in distribution.files or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__"):
                wanted[top] = Path(str(distribution.locate_file(top)))
    for entry in directory.iterdir():
        if entry.is_symlink() and wanted.get(entry.name) != entry.readlink():
            entry.unlink()
    for name, target in wanted.items():
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(target)
    return directory


def command(handler: str, *, own_runtime: bool) -> Sequence[str]:
    """The command that starts a worker: without site-packages and without the current directory, so
    that only the standard library and PYTHONPATH are importable."""
    runtime = [str(OWN_RUNTIME)] if own_runtime else ["-m", "awslambdaric"]
    return [sys.executable, "-S", "-P", *runtime, handler]


def has_awslambdaric() -> bool:
    try:
        metadata.distribution("awslambdaric")
    except metadata.PackageNotFoundError:
        return False
    return True


def variables(
    function: Function, runtime_packages: Path, api: str, region: str, worker: str = "local"
) -> Mapping[str, str]:
    """The environment of one new worker of the function; the template's own variables come last,
    except that nothing may move the Runtime API. The access key names the worker: so the console
    knows who made a call, and the AWS server what it may do."""
    task, runtime = str(function.code), str(runtime_packages)
    return {
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"local/[$LATEST]{secrets.token_hex(16)}",
        # Nothing listens at the address: the X-Ray SDK then logs an error, as LOG_ERROR says.
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
        "LAMBDA_RUNTIME_DIR": runtime,
        "LAMBDA_TASK_ROOT": task,
        "LANG": "en_US.UTF-8",
        # As on AWS, but for the system's own folders, which the loader looks through anyway.
        "LD_LIBRARY_PATH": os.pathsep.join(
            [runtime, f"{runtime}/lib", task, f"{task}/lib", "/opt/lib"]
        ),
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join([task, runtime]),
        "TZ": ":UTC",
        "_HANDLER": function.handler,
        **function.environment,
        "AWS_LAMBDA_RUNTIME_API": api,
        **credentials.variables(worker),
    }
