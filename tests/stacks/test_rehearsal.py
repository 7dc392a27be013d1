"""The rehearsal of every change that a configuration can make, with the verdict it deserves."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from emulator.rehearsal.findings import Kind
from emulator.rehearsal.rehearsal import Rehearsal
from emulator.template.assembly import Assembly
from stacks.config.environments import ENVIRONMENTS, Environment
from stacks.config.errors import ConfigError
from stacks.config.overrides import environment_from
from tests.stacks.changes import CHANGES, IN_TWO_STEPS, cases_with_marks
from tests.stacks.complete import complete
from tests.stacks.rehearsed import assembly, rehearsed, stops
from tests.stacks.setting_values import SECRET, VALUES
from tests.stacks.synthesized import Synthesize

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
RehearsalOf = Callable[[Environment | None, Environment], Rehearsal]
Stops = set[tuple[str, str]]

DATA, REJECTED = "data", "rejected"
STATEFUL = (
    *("Chats", "Users", "Tickets", "UserPool", "PushQueue", "PushDeadLetters", "StreamFailures"),
    *("CredentialsFcm", "CredentialsApns", "CredentialsApnsSandbox", "FilesBucket", "WebPushKey"),
)
EVERYTHING: Stops = {(DATA, name) for name in STATEFUL}
IN_PROD: Stops = EVERYTHING | {(DATA, "Key"), (DATA, "LoadBalancerAccessLogsBucket")}
SUBNETS: Stops = {
    (REJECTED, "export of Vpc"),
    *((REJECTED, f"export of Vpc{kind}Subnet{n}Subnet") for kind in ("public", "private") for n in (1, 2)),
}  # fmt: skip
# whose elastic addresses stay, and are still the old gateways'
GATEWAYS = [(REJECTED, f"VpcpublicSubnet{n}NATGateway") for n in (1, 2)]
PUBLIC_SUBNETS = {each for each in SUBNETS if "private" not in each[1]}

# Changes of tests/stacks/changes.py that had better not be sent as they are.
STOPPED: Mapping[str, Stops] = {
    "access logs off": {(DATA, "LoadBalancerAccessLogsBucket")},
    # whose secret nobody misses
    **{
        change: {(DATA, "CloudFrontOriginSecret1")}
        for change in (
            *("CloudFront goes again", "another secret of CloudFront"),
            "CloudFront gives up its name",
        )
    },
    # the same; tasks and what posts to them have it, and nothing is kept by it
    "API Gateway holds the sockets again": {(DATA, "SocketKeySecret")},
    # an old record stands until the new ones are made
    "the load balancer's name goes to CloudFront": {(REJECTED, "CloudFrontDomainAlias")},
    "CloudFront's name goes to the load balancer": {
        (DATA, "CloudFrontOriginSecret1"),
        (REJECTED, "LoadBalancerDomainAlias"),
    },
    "three zones to two": {
        (REJECTED, "export of VpcpublicSubnet3Subnet"),
        (REJECTED, "export of VpcprivateSubnet3Subnet"),
    },
    "the key of our own goes": {(DATA, "Key"), (REJECTED, "export of Key.Arn")},
}
# Settings whose change stops, by environment. Every other setting may change to another of its
# values in one deployment.
STOPPED_SETTINGS: Mapping[str, Mapping[str, Stops]] = {
    "project": {"dev": EVERYTHING, "staging": IN_PROD, "prod": IN_PROD},
    "account": {"prod": IN_PROD},  # where the others leave it open
    "region": {"prod": IN_PROD},
    "network.cidr": {
        "dev": PUBLIC_SUBNETS,
        "staging": {*SUBNETS, GATEWAYS[0]},
        "prod": {*SUBNETS, *GATEWAYS},
    },
    "load_balancer.access_logs": {
        name: {(DATA, "LoadBalancerAccessLogsBucket")} for name in ("staging", "prod")
    },
    "customer_managed_key": {
        name: {(DATA, "Key"), (REJECTED, "export of Key.Arn")} for name in ("staging", "prod")
    },
    **{
        f"push.{setting}_secret_arn": {
            name: {(DATA, f"Credentials{platform}")} for name in ENVIRONMENTS
        }
        for setting, platform in {
            "fcm": "Fcm",
            "apns": "Apns",
            "apns_sandbox": "ApnsSandbox",
        }.items()
    },
}
# Of these, the ones that `make test` tries. What is rejected is among the changes in two steps.
STOPPED_IN_MAKE_TEST = {("project", "prod")}
# Not a setting that is changed so, or one that changes with another only.
APART = {
    *("name", "pools.small.name", "load_balancer.stickiness.cookie_name", "second_region"),
    *("vpc.id", "vpc.public_subnets", "vpc.private_subnets"),  # before the first deployment
    *("restored.chats", "restored.chats_stream"),  # one goes with the other: in CHANGES
    *("load_balancer.certificate_arn", "load_balancer.plain_http"),  # HTTP to HTTPS is in CHANGES
    *(
        f"cloudfront.{name}"
        for name in ("enabled", "domain_name", "certificate_arn", "web_acl_arn")
    ),
    *(
        "websocket.domain_name",
        "websocket.certificate_arn",
        "zone.id",
        "zone.domain",
    ),  # so are names
}


@pytest.fixture(scope="module")
def rehearsal_of(synthesize: Synthesize) -> RehearsalOf:
    @cache
    def made(config: Environment) -> Assembly:
        return assembly(config, synthesize(config))

    return lambda before, after: rehearsed(made(before) if before else None, made(after))


@pytest.mark.parametrize("change", cases_with_marks([*CHANGES, *IN_TWO_STEPS]))
def test_a_change_has_its_verdict(rehearsal_of: RehearsalOf, change: str) -> None:
    before, after = CHANGES[change] if change in CHANGES else IN_TWO_STEPS[change][:2]
    assert stops(rehearsal_of(before, after)) == STOPPED.get(change, set())


@pytest.mark.parametrize("change", cases_with_marks(IN_TWO_STEPS))
def test_changes_that_need_two_deployments_are_reported_with_their_order(
    rehearsal_of: RehearsalOf, change: str
) -> None:
    before, after, first = IN_TWO_STEPS[change]
    stacks = [name.rpartition("-")[2].capitalize() for name in rehearsal_of(before, after).first]
    assert stacks == list(first)


@pytest.mark.parametrize("env", ["dev", pytest.param("staging", marks=pytest.mark.deep), "prod"])
def test_a_first_deployment_is_ready(rehearsal_of: RehearsalOf, env: str) -> None:
    assert stops(rehearsal_of(None, environment_from(complete(env)))) == set()


def test_protection_from_the_first_deployment_on_is_advised_to_wait(
    rehearsal_of: RehearsalOf,
) -> None:
    protected = environment_from(complete("prod", deletion_protection=True))
    kinds = {kind for kind, _ in stops(rehearsal_of(None, protected))}
    assert kinds == {str(Kind.ROLLBACK)}
    assert stops(rehearsal_of(environment_from(complete("prod")), protected)) == set()


@pytest.mark.deep
@pytest.mark.parametrize("env", ["dev", "staging", "prod"])
def test_every_setting_but_those_in_the_table_may_change_in_one_deployment(
    rehearsal_of: RehearsalOf, env: str
) -> None:
    """As many settings at once as go together, until each has had its change."""
    waiting = [path for path in VALUES if path not in APART and env not in stopped(path)]
    while waiting:
        done, before, after = together(env, waiting)
        assert done, f"none of {waiting} can change"
        assert stops(rehearsal_of(before, after)) == set(), done
        waiting = [path for path in waiting if path not in done]


def test_the_stopped_settings_that_are_not_deep_are_some_of_the_table() -> None:
    assert {
        (path, env) for path, envs in STOPPED_SETTINGS.items() for env in envs
    } >= STOPPED_IN_MAKE_TEST


@pytest.mark.parametrize(
    ("path", "env"),
    [
        pytest.param(
            path, env, marks=() if (path, env) in STOPPED_IN_MAKE_TEST else pytest.mark.deep
        )
        for path in STOPPED_SETTINGS
        for env in STOPPED_SETTINGS[path]
    ],
)
def test_a_setting_of_the_table_is_stopped(rehearsal_of: RehearsalOf, path: str, env: str) -> None:
    done, before, after = together(env, [path])
    assert done == [path]
    assert stops(rehearsal_of(before, after)) == STOPPED_SETTINGS[path][env]


def test_the_rehearsal_reports_that_tables_that_get_a_key_reject_their_users_meanwhile(
    rehearsal_of: RehearsalOf,
) -> None:
    felt = [
        each
        for each in rehearsal_of(*CHANGES["a key of our own"]).findings
        if each.kind is Kind.FELT
    ]
    assert {each.what for each in felt} == {"Chats", "Users", "Tickets"}
    assert all("without permission for its key" in each.sentence for each in felt)


@pytest.mark.deep
def test_a_secret_that_gives_way_to_one_s_own_can_be_accepted(rehearsal_of: RehearsalOf) -> None:
    """Whatever was put into it has to be in the other one first."""
    own = environment_from({"push.fcm_secret_arn": SECRET})
    rehearsal = rehearsal_of(environment_from({}), own)
    (finding,) = (each for each in rehearsal.findings if each.kind.stops)
    assert (finding.kind, finding.what) == (Kind.DATA, "CredentialsFcm")
    assert finding.advice == "If that is meant, accept it by its name: --accept NAME"


@pytest.mark.deep
def test_from_the_last_release_to_now_nothing_is_stopped() -> None:
    """Of prod, as `make rehearse` does it; from an empty account before the first release."""
    tags = subprocess.run(
        ["git", "tag", "--list", "v*", "--merged", "HEAD", "--sort=-v:refname"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    since = ["--from", tags[0]] if tags else []
    given = (f"{key}={value}" for key, value in complete("prod").items() if key != "env")
    settings = [word for pair in given for word in ("-c", pair)]
    command = [sys.executable, "-m", "emulator", "rehearse", "--env", "prod", *since, *settings]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PlatformsApplications: its function was called 9 times" in done.stdout


def stopped(path: str) -> Mapping[str, Stops]:
    return STOPPED_SETTINGS.get(path, {})


def together(env: str, paths: list[str]) -> tuple[list[str], Environment, Environment]:
    """Those of the settings that can change at once, and the environment before and after."""
    context: dict[str, Any] = complete(env)
    changes: dict[str, Any] = {}
    done: list[str] = []
    for path in paths:
        for value, others in right(path):
            before = {**context, **VALUES[path].with_}
            after = {**before, **changes, **others, path: value}
            clash = set(others) & set(changes) or set(VALUES[path].with_) & set(changes)
            if not clash and differs(before, after, path):
                context, done = before, [*done, path]
                changes = {**changes, **others, path: value}
                break
    return done, environment_from(context), environment_from({**context, **changes})


def right(path: str) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    for each in VALUES[path].right:
        yield each if isinstance(each, tuple) else (each, {})


def differs(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> bool:
    """Whether both are valid, and the one value another than before."""
    try:
        value = environment_from({**before, path: after[path]} if path in before else after)
        return environment_from(before) != value and bool(environment_from(after))
    except ConfigError:
        return False
