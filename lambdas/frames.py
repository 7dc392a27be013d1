"""Frames and bodies on the wire: strict parsing, validation by protocol/*.json, compact encoding.

The schemas are JSON Schema 2020-12 and the single source of what is accepted. They keep to the
keywords that 2020-12 shares with draft 7, which is what fastjsonschema compiles; a test holds it
against a 2020-12 validator.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import fastjsonschema

from lambdas.errors import ChatError, bad_request

Frame = dict[str, Any]

SCHEMAS = Path(__file__).parent / "protocol"


def encode(document: Frame) -> str:
    """Compact JSON; non-ASCII stays as it is, so that a payload never grows on its way."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def decode(text: str | bytes) -> Any:
    """JSON by RFC 8259: no NaN, no lone surrogates, no nesting that exhausts the stack.

    Raises ChatError bad_request.
    """
    try:
        document = json.loads(text, parse_constant=_reject_constant, parse_float=_number)
        encode(document).encode()  # a lone surrogate parses, but cannot be encoded
    except RecursionError:
        raise bad_request("the JSON is nested too deeply") from None
    except UnicodeError:
        raise bad_request("the text is not valid UTF-8") from None
    except ValueError:
        raise bad_request("this is not JSON") from None
    return document


def _reject_constant(name: str) -> NoReturn:
    raise bad_request(f"{name} is not JSON")


def _number(text: str) -> int | float:
    """1.0 is an integer in JSON Schema, so it becomes an int."""
    number = float(text)
    if math.isinf(number):
        raise bad_request(f"{text[:20]} is out of range")
    return int(number) if number.is_integer() else number


def parse_frame(text: str) -> Frame:
    """A client's frame, valid for its action. Raises ChatError bad_request."""
    frame = decode(text)
    if not isinstance(frame, dict):
        raise bad_request("a frame is a JSON object")
    action = frame.get("action")
    if not isinstance(action, str):
        raise bad_request("a frame names its action")
    if action not in client_actions():
        raise bad_request(f"unknown action; known are {', '.join(sorted(client_actions()))}")
    return validate("client/" + action, frame)


def context_of(text: str) -> Frame:
    """The fields of a frame that the `error` frame repeats, if they can be parsed."""
    try:
        frame = decode(text)
    except ChatError:
        return {}
    if not isinstance(frame, dict):
        return {}
    known = {key: frame.get(key) for key in ("message_id", "action", "chat")}
    return {
        key: value for key, value in known.items() if isinstance(value, str) and len(value) < 65
    }


def error_frame(error: ChatError, text: str = "") -> Frame:
    return {"type": "error", **_error(error), **context_of(text)}


def error_body(error: ChatError) -> Frame:
    return {"error": _error(error)}


def _error(error: ChatError) -> Frame:
    wait = {} if error.retry_after is None else {"retry_after": error.retry_after}
    return {"code": error.code, "message": error.message, **wait}


def validate(name: str, document: Any) -> Frame:
    """`document`, if it fits protocol/<name>.json. Raises ChatError."""
    try:
        _validator(name)(document)
    except fastjsonschema.JsonSchemaValueException as misfit:
        raise bad_request(_sentence(name, misfit)) from None
    except RecursionError:
        raise bad_request("the JSON is nested too deeply") from None
    result: Frame = document
    return result


def _sentence(name: str, misfit: Any) -> str:
    if misfit.rule in ("oneOf", "anyOf"):
        choices = [_choice(choice) for choice in misfit.rule_definition]
        some = "exactly one" if misfit.rule == "oneOf" else "at least one"
        return f"{some} of these is needed: {', '.join(choices)}"
    where = ".".join(str(part) for part in misfit.path[1:]) or "the document"
    return f"{where} {_rule(misfit)}"[:200]


# what most patterns of the schemas are: so many of these characters
_CHARACTERS = re.compile(r"\^\[(?P<set>.+)\]\{(?P<least>\d+)(?:,(?P<most>\d+))?\}\$")


_FORMS = {
    "^([0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}"
    "-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})$": "a ULID or a UUID",
    "^[!-?A-~]{1,64}@[!-?A-~]{1,189}$": "an address of mail",
    "^[a-z0-9_]{3,32}/[A-Za-z0-9_-]{1,64}$": "a user and a device, as user/device",
}


def _rule(misfit: Any) -> str:
    """The rule that the value breaks, in words for people who don't know JSON Schema."""
    match misfit.rule:
        case "pattern":
            return f"must be {_form(misfit.rule_definition)}"
        case "required":
            wanted = misfit.rule_definition
            return f"lacks {_listed(each for each in wanted if each not in misfit.value)}"
        case "enum":
            return f"must be one of {', '.join(map(str, misfit.rule_definition))}"
    return str(misfit.message.removeprefix(misfit.name).strip())


def _form(pattern: str) -> str:
    found = _CHARACTERS.fullmatch(pattern)
    if found is None:
        return _FORMS.get(pattern, "of the form in the protocol's description")
    length = f"{found['least']} to {found['most']}" if found["most"] else found["least"]
    return f"{length} characters, of {_listed(re.findall('.-.|.', found['set']))}"


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else str(last)


def _choice(choice: Mapping[str, Any]) -> str:
    """What one branch requires: "to (alg olm.v1)"."""
    names = " and ".join(choice["required"])
    fixed = choice.get("properties", {}).items()
    values = ", ".join(f"{name} {field['const']}" for name, field in fixed)
    return f"{names} ({values})" if values else names


@lru_cache(maxsize=1)
def client_actions() -> frozenset[str]:
    return frozenset(path.stem for path in (SCHEMAS / "client").glob("*.json"))


@lru_cache(maxsize=64)
def _validator(name: str) -> Callable[[Any], Any]:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    # use_default=False: filling in defaults would change the client's document
    validator: Callable[[Any], Any] = fastjsonschema.compile(schema, use_default=False)
    return validator
