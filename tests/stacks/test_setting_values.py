"""Every setting accepts the values that AWS accepts, and rejects others with one sentence."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import app
from stacks.config.environments import DEV, Environment
from stacks.config.errors import LONGEST_SHOWN, ConfigError
from stacks.config.overrides import environment_from
from stacks.config.target_groups import LONGEST_COOKIE_NAME, Stickiness
from stacks.config.type_checks import is_optional
from tests.stacks.complete import ACCOUNT, CERTIFICATE, REGION
from tests.stacks.setting_values import KEY, SECRET, VALUES
from tests.support.rows import rows

ROOT = Path(__file__).parents[2]
# They are not overridden: an environment is named by `env`, a pool by the paths of its settings.
NAMES = {"name": "name", "pools.small.name": "pools.name"}

WRONG = [
    (path, value, as_typed)
    for path, values in VALUES.items()
    for as_typed, wrong in ((False, values.wrong_texts), (True, values.wrong_values))
    for value in wrong
]
RIGHT = [
    (path, *(right if isinstance(right, tuple) else (right, {})))
    for path, values in VALUES.items()
    for right in values.right
]


def leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The path of each setting below, and its declared type."""
    hints = get_type_hints(type(value))
    for field in fields(value):
        below = getattr(value, field.name)
        if field.name == "pools":
            for pool in below:
                yield from leaves(pool, f"{prefix}pools.{pool.name}.")
        elif is_dataclass(below):
            yield from leaves(below, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", hints[field.name]


def made(path: str, value: Any, **others: Any) -> Environment:
    """dev with that value, as a deployment gets it."""
    if path == "name":
        return replace(DEV, name=value)
    if path == "pools.small.name":
        function, small = DEV.pools
        return replace(DEV, pools=(function, replace(small, name=value)))
    return environment_from({**others, path: value})


def test_the_table_has_every_setting_and_no_other() -> None:
    assert set(VALUES) == {path for path, _ in leaves(DEV)}


@rows("path", VALUES)
def test_the_table_tries_each_setting_often_enough(path: str) -> None:
    values = VALUES[path]
    assert len(set(values.wrong_texts)) >= 10
    assert len({repr(each) for each in values.wrong_values}) >= (0 if path in NAMES else 8)
    # none is tried wherever it is a value, and refused wherever it is not
    if path not in NAMES:
        assert (None in values.wrong_values) != is_optional(dict(leaves(DEV))[path])
    assert len(values.right) >= 1


@rows("path", VALUES)
def test_a_wrong_value_is_rejected_by_path_value_rule_and_advice(path: str) -> None:
    accepted, others = [], VALUES[path].with_
    for value in (*VALUES[path].wrong_texts, *VALUES[path].wrong_values):
        try:
            made(path, value, **others)
        except ConfigError as error:
            assert error.field == NAMES.get(path, path), (value, str(error))
            check_sentence(str(error), NAMES.get(path, path), value)
        else:
            accepted.append(value)
    assert not accepted


def check_sentence(sentence: str, path: str, value: Any) -> None:
    start, but, rest = sentence.partition(", but ")
    assert start.startswith(f"{path} is "), sentence
    assert but
    rule, stop, advice = rest.rpartition(". ")
    assert rule
    assert stop
    assert advice[0].isupper()
    assert advice.endswith(".")
    assert sentence.isprintable()  # on one line
    shown = start.removeprefix(f"{path} is ")
    assert len(shown) <= LONGEST_SHOWN + 2
    plain = str(value)
    if plain.isprintable() and len(plain) < LONGEST_SHOWN and not isinstance(value, list):
        assert _bare(plain) == _bare(shown), sentence


def _bare(text: str) -> str:
    """Without what a text gets when it is shown as a number or a list is."""
    return text.strip("'").lstrip("+").replace(" ", "").replace("_", "")


@rows("path", VALUES)
def test_a_value_of_another_type_is_rejected_where_it_is_written(path: str) -> None:
    """As in stacks/config/environments.py, which is checked by people before it is by mypy."""
    others = [object(), b"x", 1.5, {"x": 1}, {1}, [1], lambda: 1, Decimal(1), "x", 1, True, None]
    kind = dict(leaves(DEV))[path]
    for value in others:
        try:
            replaced(DEV, path.split("."), value)
        except ConfigError as error:
            assert error.field == NAMES.get(path, path)
        else:
            assert type(value) in (kind, *get_args(kind)), (path, value)


def replaced(settings: Any, path: list[str], value: Any) -> Any:
    """A copy with that value at the end of the path."""
    name, *below = path
    if name == "pools":
        pools = tuple(
            replaced(pool, below[1:], value) if pool.name == below[0] else pool
            for pool in settings.pools
        )
        return replace(settings, pools=pools)
    if below:
        value = replaced(getattr(settings, name), below, value)
    return replace(settings, **{name: value})


@rows("path", VALUES)
def test_a_value_at_the_limits_is_accepted(path: str) -> None:
    for each, value, others in RIGHT:
        if each == path:
            made(path, value, **{**VALUES[path].with_, **others})


@pytest.mark.parametrize("name", ["a", "!#$%&'*+-.^_`|~9", "a" * LONGEST_COOKIE_NAME])
def test_the_name_of_a_cookie_at_the_limits_is_accepted(name: str) -> None:
    """Only with a single pool, which no override makes of two."""
    sticky = replace(DEV.load_balancer, stickiness=Stickiness(kind="app_cookie", cookie_name=name))
    assert replace(DEV, pools=DEV.pools[1:], load_balancer=sticky)


@rows("value", [None, 5, True, [], ["dev"], {"dev": 1}, "", "dev\n", "Dev", "x"])
def test_an_environment_that_is_none_is_rejected(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^env is .*the environments are dev, staging, prod"):
        environment_from({"env": value})


@pytest.mark.parametrize("value", [None, 5, [], {}, "", "Host", "laptop"])
def test_a_place_to_bundle_for_that_is_none_is_rejected(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^bundle_for is .*it is one of lambda, host"):
        environment_from({"bundle_for": value})


# what is no path of a setting -> words of the error
NO_PATHS: dict[str, str] = {
    "": "there is no such setting",
    ".": "there is no such setting",
    "retain.": "true or false",
    "pools.": "there is no such setting",
    "pools.big.max": "Correct the name",
    "pools.smal.max": "Perhaps pools.small is meant",
    "pools.small": "Override one of them: pools.small.<setting>",
    "pools.small.maxi": "Perhaps pools.small.max is meant",
    "pools": "Override one of them: pools.<setting>",
    "load_balancer": "Override one of them: load_balancer.<setting>",
    "load_balancer.health_check": "Override one of them: load_balancer.health_check.<setting>",
    "log-level": "Perhaps log_level is meant",
    "load-balancer.algorithm": "Perhaps load_balancer is meant",
    "message_ttl_days.x": "a whole number",
    "Retain": "Perhaps retain is meant",
    "env.name": "there is no such setting",
}


@rows("path", NO_PATHS)
@rows("value", ["3", 3, None, ["x"]])
def test_a_path_that_is_none_gets_a_hint_that_is_not_what_was_typed(path: str, value: Any) -> None:
    with pytest.raises(ConfigError) as error:
        environment_from({path: value})
    assert NO_PATHS[path] in str(error.value)
    assert f"Perhaps {path} is meant" not in str(error.value)


def test_a_setting_of_a_pool_with_a_hyphen_in_its_name_is_no_key_of_cdk() -> None:
    with pytest.raises(
        ConfigError, match=r"pools\.small-1\.max is 3, but there is no such setting"
    ):
        environment_from({"pools.small-1.max": 3})


def test_settings_nest_and_their_context_stays_as_it_was() -> None:
    context = {"load_balancer": {"idle_timeout": 70}, "load_balancer.slow_start": 60}
    config = environment_from(context)
    assert (config.load_balancer.idle_timeout, config.load_balancer.slow_start) == (70, 60)
    assert context == {"load_balancer": {"idle_timeout": 70}, "load_balancer.slow_start": 60}


# what does not go together -> the field that is blamed
APART: list[tuple[dict[str, Any], str]] = [
    ({"functions.api.reserved_concurrency": 5_000}, "functions.api.reserved_concurrency"),
    (
        {"functions.api.reserved_concurrency": 600, "functions.send.reserved_concurrency": 301},
        "functions.api.reserved_concurrency",
    ),
    (
        {"functions.push.reserved_concurrency": 1, "concurrent_executions": 100},
        "functions.push.reserved_concurrency",
    ),
    ({"region": "us-west-1"}, "availability_zones"),
    ({"region": "ap-northeast-1"}, "availability_zones"),
    ({"deletion_protection": True}, "deletion_protection"),
    ({"push.secret_key_arn": KEY}, "push.secret_key_arn"),
    # without a region of the environment's own, they have to be of one
    (
        {"push.fcm_secret_arn": SECRET, "push.apns_secret_arn": SECRET.replace("-1:", "-2:")},
        "push.apns_secret_arn",
    ),
    (
        {
            "push.fcm_secret_arn": SECRET,
            "push.apns_sandbox_secret_arn": SECRET.replace(ACCOUNT, "210987654321"),
        },
        "push.apns_sandbox_secret_arn",
    ),
    (
        {"push.fcm_secret_arn": SECRET, "push.secret_key_arn": KEY.replace(REGION, "eu-west-2")},
        "push.secret_key_arn",
    ),
    (
        {
            "load_balancer.plain_http": False,
            "load_balancer.certificate_arn": CERTIFICATE,
            "push.fcm_secret_arn": SECRET.replace(REGION, "eu-west-2"),
        },
        "push.fcm_secret_arn",
    ),
    ({"network.nat_gateways": 3}, "network.nat_gateways"),
]


@rows(("context", "blamed"), APART, ids=lambda each: str(each)[:60])
def test_settings_that_do_not_go_together_are_rejected(
    context: dict[str, Any], blamed: str
) -> None:
    with pytest.raises(ConfigError) as error:
        environment_from(context)
    assert error.value.field == blamed


def test_what_is_reserved_may_leave_exactly_a_hundred() -> None:
    path = "functions.{}.reserved_concurrency"
    assert environment_from({path.format("api"): 600, path.format("send"): 300})
    assert environment_from({path.format("api"): 1, "concurrent_executions": 101})


def test_where_fargate_lacks_a_zone_it_is_enough_to_name_zones_or_to_have_no_containers() -> None:
    zones = "ap-northeast-1a,ap-northeast-1c"
    assert environment_from({"region": "ap-northeast-1", "availability_zones": zones})
    functions = DEV.pools[:1]
    assert replace(DEV, pools=functions, region="us-west-1").region == "us-west-1"


# app.py as `cdk` runs it, again and again; argument: a folder that cdk.json is read from
MAIN = """
import contextlib, io, json, pathlib, sys, traceback
import app
app.ROOT = pathlib.Path(sys.argv[1])
for arguments, context in json.load(sys.stdin):
    sys.argv[1:] = arguments
    (app.ROOT / "cdk.json").write_text(json.dumps({"context": context}))
    try:
        with contextlib.redirect_stderr(io.StringIO()) as printed:
            app.main()
    except SystemExit as end:
        print(json.dumps(end.code if isinstance(end.code, str) else printed.getvalue()))
    except BaseException:
        print(json.dumps(traceback.format_exc()))
    else:
        print(json.dumps("it was synthesized"))
"""


def _whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


@pytest.mark.deep
def test_app_py_prints_a_sentence_and_no_traceback(tmp_path: Path) -> None:
    """All in one process, since each would start Node.js: of every setting one text as an argument
    and one value of another type as cdk.json would have it."""
    runs: list[tuple[list[str], dict[str, Any]]] = []
    for number, (path, values) in enumerate(VALUES.items()):
        if path not in NAMES:
            # Node.js has one type of number: 1.0 arrives as 1
            typed = [each for each in values.wrong_values if not _whole(each)]
            text = values.wrong_texts[number % len(values.wrong_texts)]
            runs.append((["-c", f"{path}={text}"], dict(values.with_)))
            runs.append(([], {**values.with_, path: typed[number % len(typed)]}))
    done = subprocess.run(
        [sys.executable, "-c", MAIN, str(tmp_path)],
        input=json.dumps(runs),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "CDK_OUTDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(printed) == len(runs)
    for run, sentence in zip(runs, printed, strict=True):
        assert " is " in sentence, (run, sentence)
        assert ", but " in sentence, (run, sentence)
        assert "Traceback" not in sentence
        assert "\n" not in sentence


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"context": []}', '{"context": null}'])
def test_a_cdk_json_that_is_none_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    (tmp_path / "cdk.json").write_text(text)
    monkeypatch.setattr(app, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match=r"^cdk\.json .* JSON object"):
        app.main()
