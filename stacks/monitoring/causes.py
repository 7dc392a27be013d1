"""The causes of symptoms: an alarm for each fault, and one that notifies for each symptom."""

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.config.environments import Environment
from stacks.monitoring.symptoms import Symptom, alarm_of

RUNBOOKS = "docs/runbooks"


class Causes(Construct):
    """`notify` is called when a symptom begins and when it ends; None for nobody.

    One fault causes several alarms, so they notify nobody themselves: an alarm of each symptom
    does, once. While the platform's is on, the others are silent: they follow from it.

    `fingerprint` ends each description, so that each alarm is updated: it is unknown whether
    CloudFormation resolves the references of a resource that did not change.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        notify: cloudwatch.IAlarmAction | None,
        fingerprint: str,
    ) -> None:
        super().__init__(scope, id)
        self._config = config
        self._notify = notify
        self._fingerprint = fingerprint
        self._causes: dict[Symptom, list[cloudwatch.IAlarm]] = {each: [] for each in Symptom}

    def notify(self) -> list[cloudwatch.CompositeAlarm]:
        """Makes the alarm of each symptom; to be called after all alarms of faults."""
        made: list[cloudwatch.CompositeAlarm] = []
        for symptom in Symptom:
            alarm = alarm_of(
                self,
                symptom,
                self._causes[symptom],
                name=f"{self._config.project}-{self._config.name}-{symptom.name.lower()}",
                description=self._description(symptom.value, "README"),
                suppressor=made[0] if made else None,
            )
            made.append(alarm)
            if self._notify:
                alarm.add_alarm_action(self._notify)
                alarm.add_ok_action(self._notify)
        return made

    def _description(self, meaning: str, runbook: str) -> str:
        base = (self._config.runbooks_url or RUNBOOKS).rstrip("/")
        return f"{meaning}. {base}/{runbook}.md ({self._fingerprint})"

    def _alarm(
        self,
        id: str,
        metric: cloudwatch.Metric | cloudwatch.MathExpression,
        meaning: str,
        symptom: Symptom,
        *,
        runbook: str,
        threshold: float = 1,
        datapoints: int = 1,
        below: bool = False,
    ) -> None:
        """Goes off when `datapoints` of the last `datapoints` + 1 reach the threshold (one of one
        for a single one), or are `below` it. Missing data is not breaching, as nothing ran, unless
        there has to be data.
        """
        operator = cloudwatch.ComparisonOperator
        missing = cloudwatch.TreatMissingData
        alarm = metric.create_alarm(
            self,
            id,
            alarm_description=self._description(meaning, runbook),
            threshold=threshold,
            evaluation_periods=datapoints + 1 if datapoints > 1 else 1,
            datapoints_to_alarm=datapoints,
            comparison_operator=(
                operator.LESS_THAN_THRESHOLD
                if below
                else operator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
            ),
            treat_missing_data=missing.BREACHING if below else missing.NOT_BREACHING,
        )
        self._causes[symptom].append(alarm)
