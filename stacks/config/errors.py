"""ConfigError and the checks that raise it."""

from collections.abc import Container, Mapping

LONGEST_SHOWN = 300  # characters: any ARN or domain name, and not a file pasted by mistake


class ConfigError(ValueError):
    """A setting that AWS would reject or silently ignore.

    The message names the field as a context override would, the value it got, the rule it breaks
    and what to do.
    """

    def __init__(self, field: str, value: object, rule: str, advice: str) -> None:
        self.field = field
        self.value = value
        super().__init__(f"{field} is {_shown(value)}, but {rule}. {advice}.")

    @classmethod
    def of_several(cls, values: Mapping[str, object], rule: str, advice: str) -> "ConfigError":
        """One error for several fields, so that everything missing is reported at once."""
        *others, (last, value) = values.items()
        before = "".join(f"{field} is {_shown(each)}, " for field, each in others)
        return cls(f"{before}{last}", value, rule, advice)


def require(met: bool, field: str, value: object, rule: str, advice: str) -> None:
    if not met:
        raise ConfigError(field, value, rule, advice)


def require_between(low: int, high: int, field: str, value: int, what: str) -> None:
    """`what` is the quantity with its unit: "a weight", "a slow start in seconds"."""
    require(
        low <= value <= high,
        field,
        value,
        f"{what} is between {low} and {high}",
        f"Set {field} to a value in that range",
    )


def require_one_of(allowed: Container[object], field: str, value: object, listed: str) -> None:
    require(value in allowed, field, value, f"it is one of {listed}", f"Set {field} to one of them")


def _shown(value: object) -> str:
    """Short and printable on one line, whatever the value is."""
    text = str(value)
    text = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text[:1_000])
    if len(text) > LONGEST_SHOWN:
        text = f"{text[: LONGEST_SHOWN - 3]}..."
    return f"'{text}'" if isinstance(value, str) else text
