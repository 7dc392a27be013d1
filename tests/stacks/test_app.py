"""app.py as it is run: in a process of its own, twice, with nothing of the machine.

Whole systems are started by app.py too, so most tests here are deep.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from filecmp import dircmp
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.stacks.complete import complete
from tests.stacks.synthesized import Synthesized

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NO_BUNDLING: Mapping[str, object] = {"aws:cdk:bundling-stacks": []}
# has everything that an environment can have
STAGING = complete("staging", **NO_BUNDLING, **{"load_balancer.algorithm": "ip_hash"})


def run(
    out: Path,
    *arguments: str,
    context: Mapping[str, object] = NO_BUNDLING,
    environment: Mapping[str, str] = MappingProxyType({}),
    script: Path = ROOT / "app.py",
) -> subprocess.CompletedProcess[str]:
    """Runs app.py with `context` as the CDK command line hands it over, from another folder."""
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "CDK_OUTDIR": str(out),
        "CDK_VALIDATION": "false",
        "CDK_CONTEXT_JSON": json.dumps(dict(context)),
        **environment,
    }
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=out.parent,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthesized without a PATH: no docker, git, aws or node of the machine can be found."""
    out = tmp_path_factory.mktemp("bare") / "cdk.out"
    nowhere = {"PATH": str(out), "HTTPS_PROXY": "http://127.0.0.1:9", "PYTHONHASHSEED": "1"}
    done = run(out, context=STAGING, environment=nowhere)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.deep
def test_two_runs_give_the_same_bytes(assembly: Path, tmp_path: Path) -> None:
    again = tmp_path / "cdk.out"
    done = run(again, context=STAGING, environment={"PYTHONHASHSEED": "2", "TZ": "Asia/Kolkata"})
    assert done.returncode == 0, done.stderr
    assert _differences(dircmp(assembly, again)) == []


def test_no_template_names_a_path_of_this_machine(dev: Synthesized, prod: Synthesized) -> None:
    for template in (*dev.stacks.values(), *prod.stacks.values()):
        assert str(ROOT) not in json.dumps(template)


@pytest.mark.deep
def test_the_assembly_names_no_path_of_this_machine(assembly: Path) -> None:
    """Unbundled sources are named where they lie, in *.assets.json; bundled ones are not."""
    for file in set(assembly.rglob("*.json")) - set(assembly.rglob("*.assets.json")):
        text = file.read_text()
        assert str(ROOT) not in text, file.name
        assert str(assembly.parent) not in text, file.name


@pytest.mark.deep
def test_nothing_is_looked_up(assembly: Path) -> None:
    manifest = json.loads((assembly / "manifest.json").read_text())
    assert "missing" not in manifest


@pytest.mark.deep
def test_the_stacks_are_named_after_project_environment_and_stack(assembly: Path) -> None:
    manifest = json.loads((assembly / "assembly-staging" / "manifest.json").read_text())
    names = {
        artifact["properties"]["stackName"]
        for artifact in manifest["artifacts"].values()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    stacks = ("network", "data", "notifications", "chat", "web", "observability")
    assert names == {f"switchboard-staging-{stack}" for stack in stacks}


@pytest.mark.deep
def test_a_name_that_aws_has_not_is_explained(assembly: Path) -> None:
    (metadata,) = (assembly / "assembly-staging").glob("*Web*.metadata.json")
    messages = json.loads(metadata.read_text())["/staging/Web/LoadBalancer"]
    info = next(each["data"] for each in messages if each["type"] == "aws:cdk:info")
    assert info.startswith("ip_hash is a Network Load Balancer beside")


@pytest.mark.deep  # test_setting_values.py overrides dev in this way too
def test_without_a_word_it_is_dev_and_an_argument_overrides_a_setting(tmp_path: Path) -> None:
    out = tmp_path / "cdk.out"
    done = run(out, "-c", "log_retention_days=14")
    assert done.returncode == 0, done.stderr
    assert (out / "assembly-dev").is_dir()
    templates = "".join(path.read_text() for path in out.rglob("*.template.json"))
    assert '"RetentionInDays": 14' in templates
    assert "WARNING" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("-c", "env=qa"),
            "env is 'qa', but the environments are dev, staging, prod.",
            marks=pytest.mark.deep,
        ),
        pytest.param(
            ("-c", "load_balancer.slow_start=7"),
            "load_balancer.slow_start is 7, but a slow start",
            marks=pytest.mark.deep,
        ),
        (("-c", "env"), "-c env has no value: write -c env=<value>"),
        (("-c", "=dev"), "-c =dev has no name: write -c <setting>=dev"),
    ],
)
def test_a_bad_argument_gets_a_sentence_and_no_traceback(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = run(tmp_path / "cdk.out", *arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.deep
def test_a_bad_value_in_the_configuration_itself_gets_a_sentence_too(tmp_path: Path) -> None:
    for name in ("app.py", "cdk.json"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    config = tmp_path / "stacks" / "config" / "environments.py"
    written = config.read_text()
    config.write_text(written.replace("log_retention_days=365", "log_retention_days=364"))
    assert config.read_text() != written
    done = run(tmp_path / "cdk.out", script=tmp_path / "app.py")
    assert done.returncode == 1
    assert done.stderr.startswith("log_retention_days is 364, but it is one of the periods")
    assert "Traceback" not in done.stderr


def test_a_missing_node_gets_a_sentence(tmp_path: Path) -> None:
    """-S leaves site-packages out, as in a Python that is not the project's."""
    done = subprocess.run(
        [sys.executable, "-S", str(ROOT / "app.py")],
        env={"CDK_OUTDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("The CDK library needs Node.js")


def _differences(compared: dircmp[str]) -> list[str]:
    found = [*compared.left_only, *compared.right_only, *compared.diff_files, *compared.funny_files]
    for below in compared.subdirs.values():
        found += _differences(below)
    return found
