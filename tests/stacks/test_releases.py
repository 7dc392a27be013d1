"""Releases: versions, aliases, and what rolls a new version back."""

from typing import Any

import pytest

from stacks.config.environments import DEV, Environment
from stacks.config.errors import ConfigError
from stacks.config.functions import FUNCTIONS
from stacks.config.overrides import environment_from
from stacks.config.releases import Releases, Shifting
from tests.stacks.complete import complete
from tests.stacks.shared_environments import LIMITED
from tests.stacks.synthesized import Resource, Synthesize, Synthesized

VERSIONED = {name for name, row in FUNCTIONS.items() if row.versioned}
ALIAS = {f"<{name}LiveAlias>": name for name in VERSIONED}
SHIFTED = "canary_10_percent_5_minutes"
AT_ONCE: Shifting = "all_at_once"


def called(made: Synthesized) -> dict[str, str]:
    """What everything that calls a function names: where -> the function or its alias."""
    groups = made.all("AWS::ElasticLoadBalancingV2::TargetGroup")
    return {
        **{
            each.logical_id: made.show(each.properties["FunctionName"])
            for kind in ("AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping")
            for each in made.all(kind)
        },
        **{
            each.logical_id: made.show(each.properties[name])
            for kind, name in (("Integration", "IntegrationUri"), ("Authorizer", "AuthorizerUri"))
            for each in made.all(f"AWS::ApiGatewayV2::{kind}")
        },
        **{
            each.logical_id: made.show(target["Id"])
            for each in groups
            for target in each.properties.get("Targets", ())
        },
    }


def test_all_that_calls_a_function_calls_its_alias_where_releases_are_shifted(
    prod: Synthesized, dev: Synthesized
) -> None:
    callers = called(prod)
    assert len(callers) == len(called(dev))
    reached = {name for text in callers.values() for shown, name in ALIAS.items() if shown in text}
    assert reached == VERSIONED
    assert [text for text in callers.values() if not any(alias in text for alias in ALIAS)] == []
    assert not any("Alias" in text for text in called(dev).values())


def test_each_alias_is_shifted_and_taken_back_by_the_errors_of_its_new_version(
    prod: Synthesized,
) -> None:
    from stacks.constructs.live_alias import NAME

    aliases = prod.all("AWS::Lambda::Alias")
    assert {f"<{each.name}>" for each in aliases} == set(ALIAS)
    for alias in aliases:
        group = _named(prod, alias.body["UpdatePolicy"], "DeploymentGroupName")
        assert group.properties["DeploymentConfigName"].endswith(".LambdaCanary10Percent5Minutes")
        assert "DEPLOYMENT_STOP_ON_ALARM" in group.properties["AutoRollbackConfiguration"]["Events"]
        (named,) = group.properties["AlarmConfiguration"]["Alarms"]
        alarm = next(each for each in prod.resources if each.logical_id == named["Name"]["Ref"])
        assert alarm.stack == group.stack == alias.stack  # it exists when the alias is moved
        seen = {each["Name"]: each["Value"] for each in alarm.properties["Dimensions"]}
        assert seen["ExecutedVersion"] == alias.properties["FunctionVersion"]
        function = prod.show(seen["FunctionName"])
        assert prod.show(seen["Resource"]) == f"{function}:{NAME}"
        assert function == prod.show(alias.properties["FunctionName"])


def _named(made: Synthesized, policy: dict[str, dict[str, dict[str, str]]], what: str) -> Resource:
    name = policy["CodeDeployLambdaAliasUpdate"][what]["Ref"]
    return next(each for each in made.resources if each.logical_id == name)


def test_a_custom_resource_and_the_operator_s_calls_are_not_shifted(prod: Synthesized) -> None:
    resource = prod.one("Custom::PlatformApplications").properties
    assert prod.show(resource["ServiceToken"]) == "<PlatformApplicationsFunction.Arn>"
    assert {"PlatformApplications", "Operator"}.isdisjoint(VERSIONED)


def test_a_deployment_of_tasks_ends_where_they_answer_5xx(prod: Synthesized) -> None:
    services = prod.all("AWS::ECS::Service")
    assert len(services) == 2
    for service in services:
        deployment = service.properties["DeploymentConfiguration"]
        assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
        watched = deployment["Alarms"]
        assert (watched["Enable"], watched["Rollback"]) == (True, True)
        (name,) = watched["AlarmNames"]
        alarm = next(each for each in prod.resources if each.logical_id == name["Ref"])
        assert alarm.stack == service.stack
        assert alarm.properties["MetricName"] == "HTTPCode_Target_5XX_Count"
        (group,) = [
            each["Value"]
            for each in alarm.properties["Dimensions"]
            if each["Name"] == "TargetGroup"
        ]
        balanced = service.properties["LoadBalancers"][0]["TargetGroupArn"]["Ref"]
        assert group["Fn::GetAtt"][0] == balanced


def test_one_error_or_a_quiet_hour_takes_no_release_back(prod: Synthesized) -> None:
    guards = [each for each in prod.all("AWS::CloudWatch::Alarm") if each.stack != "Observability"]
    assert guards
    for alarm in guards:
        found = alarm.properties
        assert found["TreatMissingData"] == "notBreaching", alarm.name
        assert found["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert (found["Threshold"], found["Period"]) == (1, 60)
        assert 1 < found["DatapointsToAlarm"] < found["EvaluationPeriods"] <= 5  # minutes


def test_a_small_environment_has_none_of_it(dev: Synthesized) -> None:
    assert DEV.releases == Releases()
    for kind in ("Lambda::Version", "Lambda::Alias", "CodeDeploy::Application"):
        assert dev.all(f"AWS::{kind}") == []
    for service in dev.all("AWS::ECS::Service"):
        assert "Alarms" not in service.properties["DeploymentConfiguration"]


def test_processes_are_provisioned_for_the_alias(synthesize: Synthesize) -> None:
    made = synthesize(LIMITED)
    provisioned = {
        each.name: each.properties.get("ProvisionedConcurrencyConfig")
        for each in made.all("AWS::Lambda::Alias")
    }
    assert provisioned.pop("SendLiveAlias") == {"ProvisionedConcurrentExecutions": 5}
    assert set(provisioned.values()) == {None}


REJECTED: dict[str, dict[str, Any]] = {
    "without versions": {"functions.send.provisioned_concurrency": 5},
    "for an alias of two versions": {
        "releases.shifting": SHIFTED,
        "functions.send.provisioned_concurrency": 5,
    },
    "more than reserved": {
        "releases.shifting": AT_ONCE,
        "functions.send.provisioned_concurrency": 5,
        "functions.send.reserved_concurrency": 4,
    },
    "for nobody": {"releases.shifting": AT_ONCE, "functions.operator.provisioned_concurrency": 1},
    "beyond the quota, both together": {
        "releases.shifting": AT_ONCE,
        "functions.send.provisioned_concurrency": 500,
        "functions.sync.reserved_concurrency": 401,
    },
}


@pytest.mark.parametrize("case", REJECTED)
def test_provisioned_concurrency_that_lambda_would_reject_is_an_error(case: str) -> None:
    with pytest.raises(ConfigError, match=r"functions\.(send|operator)\.provisioned_concurrency"):
        environment_from(complete("dev", **REJECTED[case]))


def test_what_is_provisioned_is_part_of_what_is_reserved() -> None:
    made: Environment = environment_from(
        complete(
            "dev",
            **{
                "releases.shifting": AT_ONCE,
                "functions.send.provisioned_concurrency": 500,
                "functions.send.reserved_concurrency": 900,
            },
        )
    )
    assert made.functions.send.provisioned_concurrency == 500
