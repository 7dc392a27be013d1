"""The diagram of the infrastructure in the documentation: it agrees with the templates."""

import subprocess
import sys
from pathlib import Path

import pytest

from docs.diagram import BEGIN, END, Templates, draw
from stacks.config.environments import PROD, Environment
from stacks.config.overrides import environment_from
from tests.stacks.complete import complete

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("synthesis")]

SCRIPT = Path(__file__).parents[2] / "docs" / "diagram.py"


def synthesize(config: Environment, out: Path) -> Path:
    from aws_cdk import App

    from stacks.stage import EnvironmentStage
    from tests.stacks.synthesis import flags

    EnvironmentStage(App(context=flags(), outdir=str(out), stack_traces=False), config).synth()
    return out


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize(PROD, tmp_path_factory.mktemp("drawn"))


def test_it_shows_who_calls_whom(assembly: Path) -> None:
    drawn = draw(Templates(assembly)).splitlines()
    for edge in (
        'balancer -->|"weight 5"| pool_large',
        'balancer -->|"weight 1"| pool_lambda',
        'websocket -->|"sync, typing"| SyncFunction',
        'websocket -->|"may it connect?"| AuthorizeFunction',
        'Chats -->|"stream"| DeliveryWatchFunction',
        'DeliveryWatchFunction -.->|"given up"| StreamFailures',
        'PushQueue -->|"jobs"| PushFunction',
        'PushQueue -.->|"after 5 tries"| PushDeadLetters',
        "SendFunction & ReceiptFunction & DeliveryWatchFunction --> PushQueue",
    ):
        assert f"  {edge}" in drawn
    assert not any("network" in line for line in drawn)
    assert drawn[:2] == ["```mermaid", "flowchart LR"]


@pytest.mark.deep
def test_a_network_balancer_stands_beside_the_other(tmp_path: Path) -> None:
    hashed = environment_from(complete("prod", **{"load_balancer.ip_hash": True}))
    drawn = draw(Templates(synthesize(hashed, tmp_path))).splitlines()
    assert '  app -->|TCP| network{{"network load balancer"}}' in drawn
    assert """  network -->|"by the client's address"| pool_large""" in drawn
    assert "\n".join(drawn).count('pool_large["large"]') == 1


def test_it_replaces_the_marked_section_only_and_sees_when_it_is_outdated(
    assembly: Path, tmp_path: Path
) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"before\n{BEGIN}\nan old picture\n{END}\nafter\n")
    assert run(assembly, document, "--check").returncode == 1
    assert run(assembly, document).returncode == 0
    assert run(assembly, document, "--check").returncode == 0
    text = document.read_text()
    assert text == f"before\n{BEGIN}\n{draw(Templates(assembly))}\n{END}\nafter\n"


def test_the_error_for_a_page_without_the_section_names_what_to_add(
    assembly: Path, tmp_path: Path
) -> None:
    document = tmp_path / "page.md"
    document.write_text("no picture here\n")
    done = run(assembly, document)
    assert done.returncode == 1
    assert BEGIN in done.stderr
    assert document.read_text() == "no picture here\n"


def run(assembly: Path, document: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(assembly), str(document), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)
