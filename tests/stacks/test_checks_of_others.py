"""What cfn-lint and cdk-nag say about the templates, and why what they say is all right here."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from stacks.config import ENVIRONMENTS
from stacks.stage import EnvironmentStage
from tests.stacks.conftest import flags

# Rule and finding, construct path (both may have wildcards), why it stands. Each line is one
# decision; a line that nothing matches any more has to go.
REVIEWED = [
    ("APIG4", "*/WebSocket/Api/*-Route/Resource", "only $connect is authorized, by API Gateway"),
    ("COG2", "*/Data/UserPool/Resource", "names and passwords only: there is no second factor"),
    ("COG8", "*/Data/UserPool/Resource", "the plus tier's price is for the owner to decide on"),
    ("DDB3", "dev/Data/*/Resource", "dev is rebuilt, not recovered"),
    ("EC23", "*/LoadBalancer/Balancer/SecurityGroup/Resource", "it is the public entrance"),
    ("ECS2", "*/Task/Resource", "the variables are names and addresses; secrets stay in theirs"),
    ("ECS4", "dev/Web/Cluster/Resource", "Container Insights costs more than dev's tasks"),
    ("ELB2", "dev/Web/LoadBalancer/Balancer/Resource", "dev's requests need no record"),
    ("IAM4[[]*PushToCloudWatchLogs]", "*/AccountLogRole/Resource", "made for this one use"),
    ("IAM5[[]*/@connections/[*]]", "*/DefaultPolicy/Resource", "API Gateway makes the ids"),
    ("IAM5[[]*:app/[*]]", "*/PlatformApplications/Role/*", "IAM knows it by no name yet"),
    ("IAM5[[]*:app/[*]/switchboard-*]", "*/DefaultPolicy/Resource", "the platform's part"),
    ("IAM5[[]*:endpoint/[*]/switchboard-*]", "*/DefaultPolicy/Resource", "SNS makes the ids"),
    ("IAM5[[]Resource::[*]]", "*/DeliveryWatch/Role/*", "ListStreams has no resource"),
    ("IAM5[[]Resource::[*]]", "*/Task/ExecutionRole/*", "nor has GetAuthorizationToken"),
    ("L1", "*/Function/Resource", "python3.13 is what the packages are built and tested for"),
    ("S1", "*/AccessLogs/Bucket/Resource", "it is the log; its log would be one more"),
    ("SMG4", "*/Credentials/*", "Google's and Apple's keys are rotated by their owners"),
    ("SQS3", "*/StreamFailures/Resource", "it is a dead-letter queue, of a stream"),
    ("VPC7", "dev/Network/Vpc/Resource", "dev's network has nothing to find out"),
    ("VPC7", "staging/Network/Vpc/Resource", "the same"),
]
CFN_LINT = str(Path(sys.executable).with_name("cfn-lint"))


def test_every_finding_of_cdk_nag_has_been_reviewed(tmp_path: Path) -> None:
    unmet = set(REVIEWED)
    for name in ENVIRONMENTS:
        for rule, path in _findings(name, tmp_path / name):
            matching = {
                entry
                for entry in REVIEWED
                if fnmatchcase(rule, f"AwsSolutions-{entry[0]}") and fnmatchcase(path, entry[1])
            }
            assert matching, f"{rule} at {path} has not been reviewed"
            unmet -= matching
    assert not unmet, "nothing is found of these any more"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_cfn_lint_has_nothing_to_say(name: str, tmp_path: Path) -> None:
    _synthesize(App(context=flags(), outdir=str(tmp_path)), name)
    templates = [str(path) for path in tmp_path.rglob("*.template.json")]
    assert len(templates) == 6
    # W3005: CDK names dependencies that a reference implies already
    done = subprocess.run(
        [CFN_LINT, "--ignore-checks", "W3005", "--", *templates],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def _findings(name: str, out: Path) -> Iterator[tuple[str, str]]:
    """Rule (with its finding, where a rule has several) and construct path."""
    app = App(context=flags(), outdir=str(out))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with contextlib.suppress(RuntimeError):  # raised for findings, which are read below
        _synthesize(app, name)
    report = json.loads((out / "validation-report.json").read_text())
    for plugin in report["pluginReports"]:
        for violation in plugin["violations"]:
            if violation["ruleName"].startswith("AwsSolutions"):
                for construct in violation["violatingConstructs"]:
                    yield violation["ruleName"], construct["constructPath"]


def _synthesize(app: App, name: str) -> None:
    EnvironmentStage(app, ENVIRONMENTS[name])
    app.synth()
