"""Symptoms: what users would notice, and the alarm of each, which is the one that notifies."""

from collections.abc import Sequence
from enum import Enum

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

# Longer than the platform's alarms need to follow the faults that they cause elsewhere.
WAIT = Duration.minutes(2)


class Symptom(Enum):
    """What users notice, or PLATFORM: what all of it stands on."""

    PLATFORM = "Tables or concurrency: everything may fail"
    CHAT = "Messages are not accepted, or late"
    PUSHES = "Phones are not woken, or late"
    API = "Sign-in, devices, chats and files fail"


PUSH_FUNCTIONS = ("Push", "PlatformApplications")
API_FUNCTIONS = ("Api", "Operator")


def symptom_of(function: str) -> Symptom:
    """What users notice when this function fails."""
    if function in PUSH_FUNCTIONS:
        return Symptom.PUSHES
    return Symptom.API if function in API_FUNCTIONS else Symptom.CHAT


def alarm_of(
    scope: Construct,
    symptom: Symptom,
    causes: Sequence[cloudwatch.IAlarm],
    *,
    name: str,
    description: str,
    suppressor: cloudwatch.IAlarm | None,
) -> cloudwatch.CompositeAlarm:
    """On while one of its causes is; it notifies nobody while the suppressor is on.

    `name` is fixed: one that CDK makes would be the same for two projects of an account.
    """
    return cloudwatch.CompositeAlarm(
        scope,
        symptom.name.capitalize(),
        composite_alarm_name=name,
        alarm_description=description,
        alarm_rule=cloudwatch.AlarmRule.any_of(
            *(
                cloudwatch.AlarmRule.from_alarm(cause, cloudwatch.AlarmState.ALARM)
                for cause in causes
            )
        ),
        actions_suppressor=suppressor,
        actions_suppressor_wait_period=WAIT if suppressor else None,
        actions_suppressor_extension_period=WAIT if suppressor else None,
    )
