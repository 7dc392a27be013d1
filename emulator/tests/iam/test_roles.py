"""Roles: who may assume them, and how long their policies may be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.iam.scene import LAMBDA, Scene, allowing, trusting

from emulator.providers import EmulatorError

PODS = "pods.eks.amazonaws.com"


def only(key: str, value: str) -> dict[str, Any]:
    return {"Condition": {"StringLike": {key: value}}}


@pytest.mark.parametrize(
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
        (trusting(PODS, "sts:AssumeRole", "sts:TagSession"), PODS, True),
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
    refused = not assumed
    try:
        scene.provider.add_session("it", "It", role, "it", service)
    except EmulatorError as error:
        assert refused and f"{service} can not assume" in str(error)
    else:
        assert not refused


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
        trust = trusting(LAMBDA, Sid="a" * 2_048)
        scene.make("IAM::Role", "Q", AssumeRolePolicyDocument=trust)
