"""docs/protocol.md: the introduction, then a table for each schema."""

import json
from collections.abc import Iterator
from pathlib import Path

from protocol.schemas import GROUPS, HERE, Schema, read, schemas

INTRODUCTION = HERE / "introduction.md"
GENERATED = (
    "<!-- Made by protocol/generate.py from protocol/introduction.md and the schemas of\n"
    "lambdas/protocol. Change those, then run `make docs`. -->\n"
)
# Patterns that the introduction explains by name.
USER, DEVICE = "[a-z0-9_]{3,32}", "[A-Za-z0-9_-]{1,64}"
NAMES = {f"^{USER}$": "user id", f"^{USER}/{DEVICE}$": "`user/device`"}


def document() -> str:
    parts = [GENERATED, INTRODUCTION.read_text(encoding="utf-8")]
    for directory, (heading, text) in GROUPS.items():
        parts.append(f"## {heading}\n\n{text}\n")
        for file in schemas(directory):
            schema = read(file)
            parts.append(section(heading_of(file, schema), schema))
    return "\n".join(parts)


def heading_of(file: Path, schema: Schema) -> str:
    """A frame's is its title; a REST body's has its side besides: request or response."""
    side = file.stem.partition(".")[2]  # "request", "response" or, of a frame, ""
    return f"### {schema['title']}" + (f" ({side})" if side else "")


def section(heading: str, schema: Schema) -> str:
    lines = [heading, "", schema["description"], ""]
    lines += ["| field | type | required | meaning |", "|---|---|---|---|"]
    lines += [_row(*field) for field in _fields(schema)]
    for keyword, words in (("oneOf", "Exactly one of these"), ("anyOf", "At least one of these")):
        if choices := schema.get(keyword):
            lines += ["", f"{words}: {'; '.join(map(_choice, choices))}."]
    return "\n".join([*lines, ""])


def _fields(schema: Schema, prefix: str = "") -> Iterator[tuple[str, Schema, bool]]:
    """Every field with its path, those of nested objects right after the object's own."""
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        yield prefix + name, field, name in required
        path, inner = f"{prefix}{name}", field
        while "properties" not in inner:
            if isinstance(inner.get("items"), dict):
                path, inner = f"{path}[]", inner["items"]
            elif isinstance(inner.get("additionalProperties"), dict):
                path, inner = f"{path}.*", inner["additionalProperties"]
            else:
                break
        yield from _fields(inner, f"{path}.")


def _row(path: str, field: Schema, required: bool) -> str:
    cells = [f"`{path}`", _type(field), "yes" if required else "no", _meaning(field)]
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _type(field: Schema) -> str:
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return " or ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    kind = field["type"]
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array" and "items" in field:
        return f"array of {_type(field['items'])}"
    if isinstance(values := field.get("additionalProperties"), dict):
        return f"object of {_type(values)}"
    return str(kind)


def _meaning(field: Schema) -> str:
    """Its description and what the schema asks of it."""
    parts = [field.get("description", ""), *_limits(field)]
    if keys := field.get("propertyNames"):
        parts.append(f"keyed by {_shape(keys)}")
    values = field.get("items", field.get("additionalProperties"))
    if isinstance(values, dict):
        parts += [f"each {part}" for part in (values.get("description"), *_limits(values)) if part]
    return "; ".join(part for part in parts if part)


def _shape(field: Schema) -> str:
    pattern = field["pattern"]
    return NAMES.get(pattern) or field.get("description") or f"`{pattern}`"


def _limits(field: Schema) -> Iterator[str]:
    if "pattern" in field:
        yield NAMES.get(field["pattern"], f"`{field['pattern']}`")
    for low, high, unit in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " character(s)"),
        ("minItems", "maxItems", " entries"),
        ("minProperties", "maxProperties", " entries"),
    ):
        if low in field and high in field:
            least, most = field[low], field[high]
            yield (f"{least}" if least == most else f"{least} to {most}") + unit
        elif low in field:
            yield f"at least {field[low]}{unit}"
        elif high in field:
            yield f"at most {field[high]}{unit}"
    if "exclusiveMinimum" in field:
        yield f"more than {field['exclusiveMinimum']}"
    if field.get("uniqueItems"):
        yield "no entry twice"
    if "default" in field:
        yield f"default `{json.dumps(field['default'])}`"


def _choice(choice: Schema) -> str:
    names = " and ".join(f"`{name}`" for name in choice.get("required", []))
    consts = [f"`{k}` {_type(field)}" for k, field in choice.get("properties", {}).items()]
    return f"{names} with {' and '.join(consts)}" if consts else names
