"""Settings that a deployment requires, and warnings about those it should have."""

import json
import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from stacks.config.environments import DEV, ENVIRONMENTS, PROD
from stacks.config.errors import ConfigError
from stacks.config.overrides import environment_from
from stacks.config.regions import FARGATE_ZONES, MOBILE_PUSH_REGIONS, SERVICES, lacking, partitions
from stacks.config.warnings import environment_warnings
from tests.stacks.complete import ACCOUNT, CERTIFICATE, LEFT_OUT, REGION, complete
from tests.support.rows import rows

LOCATION = {"account": ACCOUNT, "region": REGION}
# how passwords travel -> the overrides that say so
WAYS: dict[str, dict[str, Any]] = {
    "nothing set": {"load_balancer.plain_http": False},
    "plain HTTP": {"load_balancer.plain_http": True},
    "a certificate": {
        "load_balancer.plain_http": False,
        "load_balancer.certificate_arn": CERTIFICATE,
    },
    "a certificate that is made": {
        "load_balancer.plain_http": False,
        "load_balancer.domain_name": "chat.example.com",
        "zone.id": "Z0123456789ABCDEFGHIJ",
        "zone.domain": "example.com",
    },
}


@rows(
    ("env", "retain", "account", "region", "way"),
    list(product(ENVIRONMENTS, (True, False), (True, False), (True, False), WAYS)),
)
def test_all_that_is_missing_is_named_at_once_and_nothing_else(
    env: str, retain: bool, account: bool, region: bool, way: str
) -> None:
    given = [field for field, is_set in (("account", account), ("region", region)) if is_set]
    context = {"env": env, "retain": retain, **{key: LOCATION[key] for key in given}, **WAYS[way]}
    missing = [field for field in LOCATION if retain and field not in given]
    if way == "nothing set":
        missing.append("load_balancer.certificate_arn")
    if not missing:
        assert environment_from(context).name == env
        return
    with pytest.raises(ConfigError) as error:
        environment_from(context)
    sentence = str(error.value)
    named = ", ".join(f"{field} is None" for field in missing)
    assert sentence.startswith(f"{named}, but ")
    for field in LOCATION:
        assert (f"-c {field}=" in sentence) == (field in missing)
    assert ("-c load_balancer.plain_http=true" in sentence) == (way == "nothing set")
    assert ("-c load_balancer.certificate_arn=<ARN>" in sentence) == (way == "nothing set")
    assert "stacks/config/environments.py" in sentence


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_what_an_error_names_is_all_that_one_run_needs(env: str) -> None:
    given: dict[str, str] = {}
    if LEFT_OUT[env]:
        with pytest.raises(ConfigError) as error:
            environment_from({"env": env})
        advice = str(error.value).partition(", or for HTTPS")[0]
        forms = {"<12 digits>": ACCOUNT, "<region>": REGION}
        for name, value in re.findall(r"-c (\S+?)=(<[^>]+>|\S+)", advice):
            given[name] = forms.get(value, value)
    config = environment_from({"env": env, **given})
    assert config == environment_from(complete(env))


def test_the_environments_of_the_configuration_are_values_all_the_same() -> None:
    assert PROD.account is None
    assert replace(PROD, alarms_email="ops@example.com").retain


QUIET = {"alarms_email": "ops@example.com", "deletion_protection": True}
WARNED: list[tuple[dict[str, Any], set[str]]] = [
    (complete("dev"), set()),
    (complete("staging"), set()),
    (complete("prod"), {"alarms-email", "deletion-protection"}),
    (complete("prod", alarms_email="ops@example.com"), {"deletion-protection"}),
    (complete("prod", deletion_protection=True), {"alarms-email"}),
    (complete("prod", **QUIET), set()),
    (complete("prod", **QUIET, region="eu-central-2"), {"mobile-push"}),
    (complete("dev", region="eu-central-2"), {"mobile-push"}),
    (complete("dev", region="us-gov-east-1"), {"mobile-push"}),
    (complete("prod", retain=False), set()),
]


@rows(("context", "ids"), WARNED, ids=range(len(WARNED)))
def test_what_should_not_stay_so_is_warned_of(context: dict[str, Any], ids: set[str]) -> None:
    warnings = dict(environment_warnings(environment_from(context)))
    assert set(warnings) == ids
    for sentence in warnings.values():
        assert sentence.endswith(".")
        assert " is " in sentence


@pytest.mark.slow
@pytest.mark.xdist_group("synthesis")
def test_the_warnings_are_printed_when_prod_is_synthesized(tmp_path: Path) -> None:
    from aws_cdk import App

    from stacks.stage import EnvironmentStage
    from tests.stacks.synthesis import flags

    app = App(context=flags(), outdir=str(tmp_path), stack_traces=False)
    EnvironmentStage(app, environment_from(complete("prod"))).synth()
    (file,) = (tmp_path / "assembly-prod").glob("*Data*.metadata.json")
    warnings = [
        each["data"]
        for each in json.loads(file.read_text())["/prod/Data"]
        if "warn" in each["type"]
    ]
    assert [sentence.partition(" is ")[0] for sentence in warnings] == [
        "alarms_email",
        "deletion_protection",
    ]


def test_the_regions_with_something_special_are_regions() -> None:
    assert set(FARGATE_ZONES) <= set(partitions())
    assert set(partitions()) >= MOBILE_PUSH_REGIONS
    assert {partitions()[region] for region in MOBILE_PUSH_REGIONS} == {"aws", "aws-us-gov"}
    assert DEV.region is None


def test_a_region_lacks_a_service_only_where_it_has_no_user_pools() -> None:
    """So the error may name these alone."""
    unsuitable = {region for region in partitions() if lacking(region)}
    assert {"cn-north-1", "cn-northwest-1"} <= unsuitable
    assert all("cognito-idp" in lacking(region) for region in unsuitable)
    assert not unsuitable & MOBILE_PUSH_REGIONS
    assert "cognito-idp" in SERVICES
