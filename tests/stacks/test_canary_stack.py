"""The canary stack: what calls the function, what it may do, and that its bundle is enough."""

import ast
import sys

import pytest

from stacks.build.fingerprint import fingerprint
from tests.stacks.shared_environments import CHANGED_DEV
from tests.stacks.synthesized import Synthesize, Synthesized
from tools import canary

# what imports the CDK does so late, and in the worker that synthesizes
pytestmark = pytest.mark.xdist_group("synthesis")

MINUTES = 30  # of CHANGED_DEV
OF_THE_RUNTIME = {"boto3", "botocore"}  # Lambda's Python brings them
OPTIONAL = {"emulator"}  # on a laptop, without --env and --api


@pytest.fixture
def made(synthesize: Synthesize) -> Synthesized:
    return synthesize(CHANGED_DEV)


def test_small_environments_have_none(dev: Synthesized) -> None:
    assert not dev.all("AWS::Events::Rule")


def test_it_is_called_at_its_rate_and_not_again_where_it_could_not_start(
    made: Synthesized,
) -> None:
    rule = made.one("AWS::Events::Rule").properties
    assert rule["ScheduleExpression"] == f"rate({MINUTES} minutes)"
    (target,) = rule["Targets"]
    assert made.show(target["Arn"]) == "<CanaryFunction.Arn>"
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0}


def test_lambda_does_not_repeat_a_run_that_failed(made: Synthesized) -> None:
    retries = made.one("AWS::Lambda::EventInvokeConfig").properties
    assert made.show(retries["FunctionName"]) == "<CanaryFunction>"
    assert retries["MaximumRetryAttempts"] == 0


def test_lambda_gives_a_throttled_run_up_when_the_next_one_is_due(made: Synthesized) -> None:
    from stacks.monitoring.canary import event_age

    config = made.one("AWS::Lambda::EventInvokeConfig").properties
    assert config["MaximumEventAgeInSeconds"] == MINUTES * 60
    assert event_age(720).to_hours() == 6  # Lambda's maximum


def test_it_measures_before_lambda_ends_it() -> None:
    from stacks.monitoring.canary import TIMEOUT

    cleaning_up = 2 * (5 + 5)  # two accounts, each with httpx's seconds to connect and to read
    assert canary.WITHIN + cleaning_up < TIMEOUT


def test_it_may_log_and_nothing_else(made: Synthesized) -> None:
    role = made.one("AWS::IAM::Role", "CanaryRole")
    granted = made.grants(role.logical_id)
    assert granted == {"<CanaryLogs.Arn>": {"logs:CreateLogStream", "logs:PutLogEvents"}}


def test_it_calls_the_api_that_users_call(made: Synthesized) -> None:
    function = made.function("CanaryFunction")
    variables = function.properties["Environment"]["Variables"]
    (url,) = (
        each["Value"]
        for each in made.stacks["Web"]["Outputs"].values()
        if "Export" not in each and "http" in made.show(each["Value"])
    )
    assert made.show(variables["API_URL"]) == made.show(url)
    assert variables["METRICS_NAMESPACE"] == "Switchboard/dev"
    # else CloudFormation would pass it over, and it would go on calling the API's earlier URL
    assert fingerprint(CHANGED_DEV) in function.properties["Description"]


def test_its_alarm_sees_a_failed_run_and_one_that_did_not_come(made: Synthesized) -> None:
    alarm = made.one("AWS::CloudWatch::Alarm", "AlarmsCanary").properties
    assert alarm["MetricName"] == "CanaryPassed"
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Minimum", 1)
    assert alarm["ComparisonOperator"] == "LessThanThreshold"
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["Period"] == 2 * MINUTES * 60


def test_the_bundle_has_every_module_that_its_files_import() -> None:
    from stacks.build.bundle import ROOT
    from stacks.build.canary_bundle import REQUIREMENTS, sources

    shipped = {path.relative_to(ROOT) for path in sources()}
    packages = {
        line.split("==")[0] for line in REQUIREMENTS.read_text().splitlines() if "==" in line
    }
    for path in shipped:
        for module in _imported(ast.parse((ROOT / path).read_text())):
            top = module.split(".")[0]
            if top in ("client", "tools"):
                file = ROOT / module.replace(".", "/")
                found = {file.with_suffix(".py"), file / "__init__.py"}
                assert any(each.relative_to(ROOT) in shipped for each in found), (path, module)
            else:
                known = top in sys.stdlib_module_names or top in packages
                assert known or top in OF_THE_RUNTIME | OPTIONAL, (path, module)


def _imported(tree: ast.AST) -> list[str]:
    return [
        name
        for node in ast.walk(tree)
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
