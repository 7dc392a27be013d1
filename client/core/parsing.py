"""The parser of server frames. Unknown types and unknown fields are no error."""

from __future__ import annotations

import json

from client.core import fields
from client.core.frames_generated import PARSERS, ErrorFrame, ServerFrame


class FrameError(ValueError):
    """A server frame of a known type that does not have the fields of that type."""


def parse(text: str | bytes) -> ServerFrame | None:
    """The frame in `text`, or None for a type this client does not know.

    Raises FrameError when the text is not a JSON object or a field is not as it should be.
    """
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"not JSON: {error}") from error
    if not isinstance(frame, dict):
        raise FrameError(f"a frame is an object, got {type(frame).__name__}")
    build = PARSERS.get(str(frame.get("type")))
    if build is None and "type" not in frame and "requestId" in frame:
        # API Gateway's own: the function failed, timed out or was throttled
        build = _gateway_error
    if build is None:
        return None
    try:
        return build(frame)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise FrameError(f"{frame.get('type')}: {error!r}") from error


def _gateway_error(value: object) -> ErrorFrame:
    return ErrorFrame(
        code="internal", message=fields.words(fields.mapping(value).get("message", ""))
    )
