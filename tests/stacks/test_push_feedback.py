"""SNS's logs of pushes: who writes them, and the metrics that filters make of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from emulator.metrics import json_conditions
from tests.stacks.shared_environments import CHANGED_DEV
from tests.stacks.synthesized import Resource, Synthesize, Synthesized
from tests.support.rows import rows

APPLICATIONS = {
    "Fcm": "GCM/switchboard-prod-fcm",
    "Apns": "APNS/switchboard-prod-apns",
    "ApnsSandbox": "APNS_SANDBOX/switchboard-prod-apns-sandbox",
}
PLACE = "sns/<AWS::Region>/<AWS::AccountId>/app"


def groups(made: Synthesized) -> dict[str, str]:
    """Name of each log group of SNS's, by what the templates call it."""
    return {
        f"<{each.name}>": made.show(each.properties["LogGroupName"])
        for each in made.all("AWS::Logs::LogGroup")
        if "LogGroupName" in each.properties
    }


def filters(made: Synthesized) -> list[Resource]:
    found = made.all("AWS::Logs::MetricFilter")
    return [each for each in found if each.logical_id.startswith("Feedback")]


def transformations(made: Synthesized) -> Iterator[tuple[str, dict[str, Any]]]:
    named = groups(made)
    for each in filters(made):
        (one,) = each.properties["MetricTransformations"]
        yield named[made.show(each.properties["LogGroupName"])], one


def test_each_application_has_a_group_for_what_was_taken_and_one_for_what_was_not(
    prod: Synthesized,
) -> None:
    expected = {
        f"{PLACE}/{name}{end}" for name in APPLICATIONS.values() for end in ("", "/Failure")
    }
    assert set(groups(prod).values()) == expected
    for each in prod.all("AWS::Logs::LogGroup"):
        assert each.properties["RetentionInDays"] == 365


def test_sns_may_log_there_and_nowhere_else(prod: Synthesized) -> None:
    role = prod.one("AWS::IAM::Role", "FeedbackRole")
    (trusted,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Service": "sns.amazonaws.com"}
    assert set(prod.grants(role.logical_id)) == {f"{each[:-1]}.Arn>" for each in groups(prod)}
    properties = resource(prod).properties
    assert prod.show(properties["FeedbackRoleArn"]) == "<FeedbackRole.Arn>"
    assert properties["FeedbackPercent"] == 10


def test_the_groups_and_their_filters_are_there_before_the_applications_log(
    prod: Synthesized,
) -> None:
    kinds = ("LogGroup", "MetricFilter")
    ours = {
        each.logical_id
        for kind in kinds
        for each in prod.all(f"AWS::Logs::{kind}")
        if each.logical_id.startswith("Feedback")
    }
    assert ours and ours <= set(resource(prod).body["DependsOn"])


def test_answers_count_by_platform_and_status_a_sample_as_many_as_it_stands_for(
    prod: Synthesized,
) -> None:
    by_status = {
        (group, one["MetricName"], one["MetricValue"])
        for group, one in transformations(prod)
        if one.get("Dimensions") == [{"Key": "status", "Value": "$.delivery.statusCode"}]
    }
    assert by_status == {
        (f"{PLACE}/{name}{end}", f"{platform}Answers", value)
        for platform, name in APPLICATIONS.items()
        for end, value in (("", "10"), ("/Failure", "1"))
    }
    together = {(one["MetricName"], one["MetricValue"]) for _, one in transformations(prod)}
    assert together - {each[1:] for each in by_status} == {
        ("PlatformAnswers", "10"),
        ("PlatformAnswers", "1"),
        ("PlatformRejections", "1"),
    }


@pytest.mark.xdist_group("synthesis")
@rows(
    ("status", "code", "counts"),
    [
        ("SUCCESS", 200, False),
        ("FAILURE", 404, False),
        ("FAILURE", 410, False),
        ("FAILURE", 401, True),
        ("FAILURE", 403, True),
        ("FAILURE", 429, True),
        ("FAILURE", 503, True),
        ("FAILURE", None, True),
    ],
)
def test_all_that_is_not_taken_is_a_rejection_but_an_app_that_was_removed(
    status: str, code: int | None, counts: bool
) -> None:
    from stacks.constructs.push_feedback import REJECTED

    delivery = {} if code is None else {"statusCode": code}
    assert json_conditions.read(REJECTED)({"status": status, "delivery": delivery}) is counts


def test_without_feedback_nothing_of_it_is_there(synthesize: Synthesize) -> None:
    made = synthesize(CHANGED_DEV)
    assert not filters(made) and not groups(made)
    assert "FeedbackRoleArn" not in resource(made).properties
    role = made.one("AWS::IAM::Role", "PlatformApplicationsRole")
    granted = {action for each in made.grants(role.logical_id).values() for action in each}
    assert "iam:PassRole" not in granted
    alarms = [each.name for each in made.all("AWS::CloudWatch::Alarm")]
    assert not [name for name in alarms if "PlatformRejections" in name]


def resource(made: Synthesized) -> Resource:
    return made.one("Custom::PlatformApplications")
