"""Roles: who may assume them, and how long their policies may be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.iam.scene import LAMBDA, Scene, allowing, trusting
from tests.rows import rows

from emulator.providers import EmulatorError

PODS = "pods.eks.amazonaws.com"
HERS = "arn:aws:lambda:us-east-1:123456789012:function:store"


def only(key: str, value: str, operator: str = "StringLike") -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


def for_pods(**more: Any) -> dict[str, Any]:
    return trusting(PODS, "sts:AssumeRole", "sts:TagSession", **more)


def both(*policies: dict[str, Any]) -> dict[str, Any]:
    statements = [each for policy in policies for each in policy["Statement"]]
    return {"Version": "2012-10-17", "Statement": statements}


@rows(
    ("trust", "service", "assumed"),
    [
        (trusting(LAMBDA), LAMBDA, True),
        (trusting("ecs-tasks.amazonaws.com"), LAMBDA, False),
        (trusting(LAMBDA, "sts:TagSession"), LAMBDA, False),
        (trusting(LAMBDA, Effect="Deny"), LAMBDA, False),
        (trusting(LAMBDA, **only("aws:SourceAccount", "123456789012")), LAMBDA, True),
        (trusting(LAMBDA, **only("aws:SourceAccount", "210987654321")), LAMBDA, False),
        (trusting("ecs-tasks.amazonaws.com"), "ecs-tasks.amazonaws.com", True),
        (
            trusting("ecs-tasks.amazonaws.com", **only("aws:SourceArn", "arn:aws:ecs:*:*:*")),
            "ecs-tasks.amazonaws.com",
            True,
        ),
        (trusting(PODS), PODS, False),
        (for_pods(), PODS, True),
        # What is known only when the role is assumed decides nothing; the first is of EKS's page.
        (for_pods(**only("aws:RequestTag/kubernetes-namespace", "a", "StringEquals")), PODS, True),
        (
            for_pods(**only("aws:SourceArn", "arn:aws:eks:us-east-1:1:cluster/c", "ArnEquals")),
            PODS,
            True,
        ),
        (trusting(LAMBDA, **only("aws:SourceArn", f"{HERS[:-5]}*", "ArnLike")), LAMBDA, True),
        (trusting(LAMBDA, **only("aws:SourceArn", HERS, "ArnLike")), LAMBDA, True),
        (trusting(LAMBDA, **only("aws:SourceOrgID", "o-1", "StringEquals")), LAMBDA, True),
        (
            both(
                trusting(LAMBDA),
                trusting(LAMBDA, Effect="Deny", **only("aws:SourceOrgID", "o", "StringNotEquals")),
            ),
            LAMBDA,
            True,
        ),
        (
            both(
                trusting(LAMBDA),
                trusting(LAMBDA, Effect="Deny", **only("aws:SourceAccount", "123456789012")),
            ),
            LAMBDA,
            False,
        ),
        (
            trusting(LAMBDA, **only("aws:SourceArn", "arn:aws:lambda:*:1:*", "ArnLike")),
            LAMBDA,
            False,
        ),
    ],
)
def test_a_service_assumes_a_role_that_trusts_it(
    scene: Scene, trust: Any, service: str, assumed: bool
) -> None:
    """docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html: "The role defined for
    the function cannot be assumed by Lambda"; of tasks docs.aws.amazon.com/AmazonECS/latest/
    developerguide/task-iam-roles.html; of pods docs.aws.amazon.com/eks/latest/userguide/
    pod-id-association.html."""
    role = scene.make("IAM::Role", "R", AssumeRolePolicyDocument=trust).attributes["Arn"]
    rejected = not assumed
    try:
        scene.provider.add_session("it", "It", role, "it", service)
    except EmulatorError as error:
        assert rejected and f"{service} can not assume" in str(error)
    else:
        assert not rejected


@pytest.mark.parametrize(("mode", "reports"), [("warn", 1), ("off", 0)])
def test_what_may_not_assume_a_role_is_reported_where_that_stops_nothing(
    tmp_path: Path, mode: str, reports: int
) -> None:
    scene = Scene(tmp_path, mode)
    trust = trusting("ecs-tasks.amazonaws.com")
    role = scene.make("IAM::Role", "R", AssumeRolePolicyDocument=trust).attributes["Arn"]
    scene.provider.add_session("it", "It", role, "it", LAMBDA)
    assert (
        scene.reported
        == [
            f"would not be permitted on AWS: It: sts:AssumeRole on {role} because no resource-based "
            "policy allows the sts:AssumeRole action"
        ]
        * reports
    )


def test_a_role_needs_a_trust_policy(scene: Scene) -> None:
    with pytest.raises(EmulatorError, match="needs a Statement"):
        scene.make("IAM::Role", "R", AssumeRolePolicyDocument={})


def test_policies_are_as_long_as_iam_stores_them(scene: Scene) -> None:
    """docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

    def policy(size: int) -> dict[str, Any]:
        """Of `size` characters, without the spaces."""
        short = allowing(["sqs:"])
        action = "sqs:" + "a" * (size - len(json.dumps(short, separators=(",", ":"))))
        return allowing([action])

    role = scene.make("IAM::Role", "R")

    def attach(size: int, name: str) -> None:
        given = {"PolicyName": name, "Roles": [role.ref], "PolicyDocument": policy(size)}
        scene.make("IAM::Policy", name, **given)

    attach(10_000, "One")
    attach(240, "Two")
    scene.make("IAM::ManagedPolicy", "M", PolicyDocument=policy(6_144), Roles=[role.ref])
    with pytest.raises(EmulatorError, match="10,400 characters are more than IAM's 10,240"):
        attach(160, "Three")
    with pytest.raises(EmulatorError, match="6,145"):
        scene.make("IAM::ManagedPolicy", "N", PolicyDocument=policy(6_145))
    with pytest.raises(EmulatorError, match="trust policy"):
        scene.make("IAM::Role", "Q", AssumeRolePolicyDocument=trusting(LAMBDA, Sid="a" * 4_096))
    scene.make("IAM::Role", "S", AssumeRolePolicyDocument=trusting(LAMBDA, Sid="a" * 3_000))


@pytest.mark.parametrize("mode", ["warn", "off"])
def test_lengths_stop_nothing_where_permissions_are_not_enforced(tmp_path: Path, mode: str) -> None:
    scene = Scene(tmp_path, mode)
    long = allowing(["sqs:" + "a" * 10_240])
    role = scene.make("IAM::Role", "R", AssumeRolePolicyDocument=trusting(LAMBDA, Sid="a" * 4_096))
    scene.make("IAM::Policy", "P", PolicyName="P", Roles=[role.ref], PolicyDocument=long)
    scene.make("IAM::ManagedPolicy", "M", PolicyDocument=long)
