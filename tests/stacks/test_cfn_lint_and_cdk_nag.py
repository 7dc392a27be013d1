"""Findings of cfn-lint and cdk-nag in the templates, and why each is acceptable here."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from stacks.config.environments import DEV, ENVIRONMENTS
from stacks.config.load_balancer import LoadBalancer
from stacks.config.overrides import environment_from
from stacks.config.target_groups import Stickiness
from tests.stacks.complete import CERTIFICATE, complete
from tests.stacks.domain_values import BEHIND
from tests.stacks.synthesized import Synthesize, Synthesized

# Rule and finding, construct path (both may have wildcards), why it stands. Each line is one
# decision; a line that nothing matches any more has to go.
REVIEWED = [
    ("APIG4", "*/WebSocket/Api/*-Route/Resource", "only $connect is authorized, by API Gateway"),
    ("CFR1", "*/CloudFront/Distribution/Resource", "people are everywhere"),
    ("CFR2", "*/CloudFront/Distribution/Resource", "cloudfront.web_acl_arn names one, if wanted"),
    ("CFR3", "dev/*/CloudFront/Distribution/Resource", "dev's requests need no record"),
    ("CFR4", "*/CloudFront/Distribution/Resource", "AWS decides so for names of its own"),
    ("COG2", "*/Data/UserPool/Resource", "names and passwords only: there is no second factor"),
    ("COG8", "*/Data/UserPool/Resource", "the plus tier's price is for the owner to decide on"),
    ("DDB3", "dev/Data/*/Resource", "dev is rebuilt, not recovered"),
    ("EC23", "*/LoadBalancer/Balancer/SecurityGroup/Resource", "it is the public entrance"),
    ("EC23", "*/NetworkBalancer/SecurityGroup/Resource", "and so is this"),
    ("ECS2", "*/Task/Resource", "the variables are names and addresses; secrets stay in theirs"),
    ("ECS4", "dev/Web/Cluster/Resource", "Container Insights costs more than dev's tasks"),
    ("ELB2", "dev/Web/LoadBalancer/Balancer/Resource", "dev's requests need no record"),
    ("ELB2", "*/NetworkBalancer/Balancer/Resource", "it logs TLS only, and passes TCP on"),
    ("IAM4[[]*PushToCloudWatchLogs]", "*/AccountLogRole/Resource", "made for this one use"),
    ("IAM4[[]*CodeDeployRoleForLambdaLimited]", "*/Shifting/Role/*", "AWS says what it needs"),
    ("IAM5[[]*/@connections/[*]]", "*/DefaultPolicy/Resource", "API Gateway makes the ids"),
    ("IAM5[[]*:app/[*]]", "*/PlatformApplications/Role/*", "IAM knows it by no name yet"),
    ("IAM5[[]*:endpoint/*/switchboard-*]", "*/DefaultPolicy/Resource", "SNS makes the ids"),
    ("IAM5[[]*/files/[*]]", "*/DefaultPolicy/Resource", "the keys of files are random"),
    ("IAM5[[]Resource::[*]]", "*/DeliveryWatch/Role/*", "ListStreams has no resource"),
    ("IAM5[[]Resource::[*]]", "*/Task/ExecutionRole/*", "nor has GetAuthorizationToken"),
    ("IAM5[[]Resource::[*]]", "*/Sockets/Task/TaskRole/*", "nor has DescribeTargetHealth"),
    ("IAM5[[]Resource::[*]]", "dev/*/DefaultPolicy/Resource", "X-Ray has no resource: tracing"),
    ("L1", "*/Function/Resource", "python3.13 is what the packages are built and tested for"),
    ("S1", "*/AccessLogs/Bucket/Resource", "it is the log; its log would be one more"),
    ("S1", "*/Data/Files/Bucket/Resource", "the functions' logs have who asked for which URL"),
    ("SMG4", "*/Credentials/*", "Google's and Apple's keys are rotated by their owners"),
    ("SMG4", "*/SocketKey/Secret/*", "tasks and functions read it once, when they start"),
    ("SMG4", "*/CloudFront/OriginSecret1/Resource", "the distribution would have to change too"),
    ("SQS3", "*/StreamFailures/Resource", "it is a dead-letter queue, of a stream"),
    ("VPC7", "dev/Network/Vpc/Resource", "dev's network has nothing to find out"),
    ("VPC7", "staging/Network/Vpc/Resource", "the same"),
]
# Overrides by what they try. Those of the first table bring resources that cdk-nag judges.
MORE_RESOURCES: dict[str, Mapping[str, Any]] = {
    "dev": {
        "load_balancer.ip_hash": True,
        "websocket.plane": "containers",
        "canary_minutes": 60,
        "live_log_level": True,
        "tracing": True,
    },
    "dev with CloudFront": {**BEHIND, "cloudfront.enabled": True},
    "staging": {
        "load_balancer.certificate_arn": CERTIFICATE,
        "load_balancer.domain_name": "api.example.com",
        "websocket.domain_name": "ws.example.com",
        "zone.id": "Z0123456789ABCDEFGHIJ",
        "zone.domain": "example.com",
    },
    "prod": {
        "load_balancer.ip_hash": True,
        "load_balancer.ip_hash_pool": "small",
        "websocket.plane": "containers",  # behind a web ACL
    },
}
OTHER_SETTINGS: tuple[Mapping[str, Any], ...] = (
    {"load_balancer.algorithm": "least_connections"},
    {"load_balancer.algorithm": "weighted_round_robin", "load_balancer.slow_start": 30},
    {
        "load_balancer.algorithm": "weighted_random",
        "load_balancer.anomaly_mitigation": True,
        "load_balancer.minimum_healthy_targets.percentage": 50,
    },
    {"load_balancer.algorithm": "ip_hash", "load_balancer.idle_timeout": 4_000},
    {"load_balancer.stickiness.kind": "group"},
    {"load_balancer.stickiness.kind": "lb_cookie"},
    complete(
        "prod",
        **{
            "load_balancer.certificate_arn": CERTIFICATE,
            "load_balancer.stickiness.kind": "lb_cookie",
            "load_balancer.stickiness.duration": 604_800,
            "pools.small.cpu_target": None,
            "pools.small.stop_timeout": 120,
        },
    ),
)
CFN_LINT = str(Path(sys.executable).with_name("cfn-lint"))


# The environments, and what adds resources to them, are synthesized once for both.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("checks")]


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The environments as they are and with more resources, as judged by cdk-nag."""
    from aws_cdk import App, Validations
    from cdk_nag import AwsSolutionsChecks

    from stacks.stage import EnvironmentStage
    from tests.stacks.synthesis import flags

    more = {
        f"{name}-more": complete(name.split()[0], **each) for name, each in MORE_RESOURCES.items()
    }
    outs = {}
    for name, overrides in ({each: complete(each) for each in ENVIRONMENTS} | more).items():
        outs[name] = tmp_path_factory.mktemp(name)
        app = App(context=flags(), outdir=str(outs[name]))
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        EnvironmentStage(app, environment_from(overrides))
        with contextlib.suppress(RuntimeError):  # raised for findings, which the report has
            app.synth()
    return outs


@pytest.mark.deep
def test_every_finding_of_cdk_nag_has_been_reviewed(assemblies: dict[str, Path]) -> None:
    unmet = set(REVIEWED)
    for out in assemblies.values():
        for rule, path in _findings(out):
            matching = {
                entry
                for entry in REVIEWED
                if fnmatchcase(rule, f"AwsSolutions-{entry[0]}") and fnmatchcase(path, entry[1])
            }
            assert matching, f"{rule} at {path} has not been reviewed"
            unmet -= matching
    assert not unmet, "nothing is found of these any more"


def lint(folder: Path) -> None:
    """In two processes: it is the longest of all tests, and the last that runs."""
    # W3005: CDK names dependencies that a reference implies already
    command = [CFN_LINT, "--ignore-checks", "W3005", "--"]
    templates = sorted(map(str, folder.iterdir()))
    running = [
        subprocess.Popen([*command, *half], stdout=subprocess.PIPE, text=True)
        for half in (templates[::2], templates[1::2])
        if half
    ]
    for each in running:
        output, _ = each.communicate()
        assert each.returncode == 0, output


@pytest.mark.xdist_group("synthesis")  # of the worker that has it
def test_cfn_lint_finds_nothing_in_dev_s_load_balancer(dev: Synthesized, tmp_path: Path) -> None:
    (tmp_path / "Web.json").write_text(json.dumps(dev.stacks["Web"]))
    lint(tmp_path)


@pytest.mark.deep
def test_cfn_lint_finds_nothing_in_any_environment_or_way_of_balancing(
    assemblies: dict[str, Path], synthesize: Synthesize, tmp_path: Path
) -> None:
    app_cookie = replace(
        DEV,
        pools=DEV.pools[1:],
        load_balancer=LoadBalancer(stickiness=Stickiness(kind="app_cookie", cookie_name="s")),
    )
    names: dict[str, str] = {}  # by template: what is the same is looked at once
    for name, out in assemblies.items():
        templates = list(out.rglob("*.template.json"))
        assert len(templates) == 6
        for template in templates:
            names.setdefault(template.read_text(), f"{name}-{template.name}")
    for number, config in enumerate([*map(environment_from, OTHER_SETTINGS), app_cookie]):
        # the stack that the settings appear in
        names.setdefault(json.dumps(synthesize(config).stacks["Web"]), f"{number}-Web.json")
    for text, name in names.items():
        (tmp_path / name).write_text(text)
    lint(tmp_path)


def _findings(out: Path) -> Iterator[tuple[str, str]]:
    """Rule (with its finding, where a rule has several) and construct path."""
    report = json.loads((out / "validation-report.json").read_text())
    for plugin in report["pluginReports"]:
        for violation in plugin["violations"]:
            if violation["ruleName"].startswith("AwsSolutions"):
                for construct in violation["violatingConstructs"]:
                    yield violation["ruleName"], construct["constructPath"]
