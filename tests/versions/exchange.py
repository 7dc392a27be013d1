"""Two versions side by side, as while a release is shifted: `make versions from=<git ref>`.

What the handlers of each leave is read by those of the other (handover.py), and the client of each
runs its own tests against the handlers of the other.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
STATE = ROOT / ".local" / "versions"
HANDOVER = Path(__file__).with_name("handover.py")
# Of the handlers' version: the backend in memory is written for its handlers.
OF_HANDLERS = ("lambdas", "stacks", "protocol", "emulator/src", "tests/support", "tests/model")
OF_CLIENT = ("client", "tests/client", "tests/conftest.py", "pyproject.toml", "LICENSE")
SCENES = ("chats", "connection", "recovery", "sign_in")
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "LOG_LEVEL": "ERROR",
    "POWERTOOLS_METRICS_NAMESPACE": "Switchboard/versions",
    "POWERTOOLS_METRICS_DISABLED": "true",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="reference", required=True, help="the version before")
    before = unpacked(parser.parse_args().reference)
    failed = [what for what, output in exchanged(before, ROOT) if shown(what, output)]
    sys.exit(1 if failed else 0)


def shown(what: str, output: str) -> bool:
    """Prints a verdict; whether it failed."""
    print(f"  {'FAILED' if output else 'ok':<7} {what}", flush=True)
    if output:
        print(output)
    return bool(output)


def exchanged(before: Path, now: Path) -> Iterator[tuple[str, str]]:
    """Each check, and what it printed if it failed."""
    names = {before: "the version before", now: "this version"}
    for writer, reader in ((before, now), (now, before)):
        file = STATE / f"left-by-{'before' if writer is before else 'now'}.json"
        output = _run(writer, HANDOVER, "write", file) or _run(reader, HANDOVER, "read", file)
        yield f"{names[reader]} reads items, jobs and frames of {names[writer]}", output
    for client, handlers in ((before, now), (now, before)):
        mixed = _mixed(client, handlers)
        paths = (f"tests/client/test_client_{each}.py" for each in SCENES)
        tests = [path for path in paths if (mixed / path).exists()]  # each version has its own
        output = _run(mixed, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *tests)
        yield f"the client of {names[client]} and the handlers of {names[handlers]}", output


def unpacked(reference: str) -> Path:
    """The files of a git revision, beside the work tree."""
    given = ["git", "-C", str(ROOT)]
    commit = subprocess.run(
        [*given, "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    if not commit:
        raise SystemExit(f"there is no {reference} in this repository")
    folder = STATE / commit[:12]
    if not folder.is_dir():
        packed = subprocess.run([*given, "archive", commit], capture_output=True, check=True).stdout
        beside = folder.with_suffix(".new")
        shutil.rmtree(beside, ignore_errors=True)
        with tarfile.open(fileobj=io.BytesIO(packed)) as files:
            files.extractall(beside, filter="data")
        beside.rename(folder)
    return folder


def _mixed(client: Path, handlers: Path) -> Path:
    """A folder with the client of one version and the handlers of another."""
    folder = STATE / "mixed"
    shutil.rmtree(folder, ignore_errors=True)
    for tree, names in ((handlers, OF_HANDLERS), (client, OF_CLIENT)):
        for name in names:
            source, target = tree / name, folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
    return folder


def _run(tree: Path, *command: object) -> str:
    """What Python printed in the folder of a version if it failed, else nothing."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=tree,
        env={
            **variables,
            **VARIABLES,
            "PYTHONPATH": f"{tree}{os.pathsep}{tree / 'emulator' / 'src'}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "\n".join(done.stdout.strip().splitlines()[-30:]) if done.returncode else ""


if __name__ == "__main__":
    main()
