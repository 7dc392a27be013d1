"""Kinds of settings: for each, wrong values and valid ones at its limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.stacks.complete import ACCOUNT, REGION

LONG = "a" * 5_000
UUID = "1b2c3d4e-5f60-4718-8a9b-0c1d2e3f4a5b"
IN_REGION = {"region": REGION, "account": ACCOUNT}
NAMES = (
    *("", " ", "-x", "x-", "-", "1x", "a_b", "a.b", "a b", "a\n", "\u00e4b", "a/b", "a:b", "${x}"),
    LONG,
)


@dataclass(frozen=True)
class Values:
    wrong_texts: tuple[str, ...]
    wrong_values: tuple[Any, ...]
    # a value, or a value and the settings that go with it
    right: tuple[Any, ...]
    with_: Mapping[str, Any] = field(default_factory=dict)


def number(low: int, high: int, *right: Any, optional: bool = False, **more: Any) -> Values:
    """Whole numbers from `low` to `high`."""
    beyond = (low - 1, high + 1, -7, 10**19, -(10**30))
    nothing = () if optional else (None,)
    return Values(
        (
            *map(str, beyond),
            *("", " ", "a week", "1.5", "1e3", "0x10", f"{low + 1}\n", f" {low + 1}", "1__0", "_1"),
            "\u0663",  # a digit, in Arabic
            "NaN",
            "1" * 5_000,
        ),
        (*beyond, *nothing, True, False, 1.5, float(low), [low], {"x": low}, {}),
        (low, high, str(low), str(high), *(("none", None) if optional else ()), *right),
        **more,
    )


def one_of(*right: Any, wrong: tuple[Any, ...], optional: bool = False, **more: Any) -> Values:
    """Whole numbers that are in a list."""
    values = number(1, 2, optional=optional)
    wrong_values = tuple(each for each in values.wrong_values if type(each) is not int)
    texts = tuple(each for each in values.wrong_texts if each.strip("-1234567890"))
    return Values((*map(str, wrong), *texts), (*wrong, *wrong_values), right, **more)


def flag(*right: Any, **more: Any) -> Values:
    return Values(
        ("", "yes", "no", "on", "1", "0", "none", "tru", "true ", "true\n", "tr\u0443e", LONG),
        (1, 0, 1.0, None, [True], {"x": True}, [], 10**30),
        right or (True, False, "true", "False", "TRUE"),
        **more,
    )


def text(wrong: tuple[str, ...], right: tuple[Any, ...], **more: Any) -> Values:
    """`optional` texts take none, others do not."""
    optional = more.pop("optional", False)
    nothing = () if optional else (None,)
    return Values(
        wrong,
        (*wrong, 5, -1, 1.5, True, ["x"], {"x": "y"}, [], *nothing),
        (*right, *(("none", None, "None") if optional else ())),
        **more,
    )


def arn_of(right: str, *more_right: str, service: str, others: tuple[str, ...]) -> Values:
    """An ARN of the region and account of IN_REGION."""
    foreign = (
        right.replace(REGION, "eu-west-2"),
        right.replace("arn:aws:", "arn:aws-cn:"),
        right.replace("arn:aws:", "arn::"),
        right.replace(REGION, "moon-1"),
        right.replace(REGION, ""),
        right.replace(ACCOUNT, "12345"),
        right.replace(ACCOUNT, "\u0661" * 12),
        right.replace(f":{service}:", ":iam:"),
        right.upper(),
        f"{right}\n",
        f" {right}",
        f"{right}:1",
        right[:-1],
        f"{right},{right}",
        f"{right}{LONG}",
    )
    return text(
        ("", "x", "arn", ":::::", *foreign, *others),
        ((right, IN_REGION), *((each, IN_REGION) for each in more_right)),
        optional=True,
        with_=IN_REGION,
    )
