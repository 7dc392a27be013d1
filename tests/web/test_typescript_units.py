"""The web client's own tests, so that one command runs everything."""

import subprocess

import pytest

from tests.support.typescript_client import NODE, WEB

# The longest test by far: groups of many tests begin first, so it does not end last.
pytestmark = pytest.mark.xdist_group("browser")


def _passes(tags: str) -> None:
    """Tests with `tags`, of Vitest (web/vite.config.ts)."""
    vitest = WEB / "node_modules" / "vitest" / "vitest.mjs"
    assert vitest.is_file(), "web/ has no dependencies yet: run `make web`"
    command = [str(NODE), str(vitest), "run", "--reporter=dot", "--maxWorkers=1"]
    command.append(f"--tags-filter={tags}")
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_typescript_units_pass() -> None:
    _passes("!deep")


@pytest.mark.deep
def test_the_deep_typescript_units_pass() -> None:
    _passes("deep")
