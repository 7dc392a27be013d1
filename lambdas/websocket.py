"""The handler of WebSocket routes: reads the caller, validates the frame, returns a response."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from lambdas import frames
from lambdas.connections import Connections, Outcome, Post
from lambdas.errors import ChatError, LeaseLost, bad_request, internal, rate_limited
from lambdas.frames import Frame
from lambdas.settings import Aws, invoked, prepare
from lambdas.telemetry import about, logger, metrics
from lambdas.throttling import is_throttled

Event = dict[str, Any]
Response = dict[str, Any]

LAST_POST_SECONDS = 1.0


class Caller(NamedTuple):
    """Who sent the frame. From the authorizer's context, never from the frame."""

    user: str
    device: str
    connection_id: str


Route = Callable[[Aws, Caller, Frame], Frame | None]


def caller_of(event: Event) -> Caller:
    context = event["requestContext"]
    authorizer = context["authorizer"]
    return Caller(authorizer["user"], authorizer["device"], context["connectionId"])


def frame_handler(
    routes: Mapping[str, Route], clients: Callable[[], Aws] = invoked
) -> Callable[[Event, Any], Response]:
    """A Lambda handler for routes by action: each gets a valid frame and returns the response.

    A ChatError becomes the `error` frame, AWS's throttling `rate_limited`. Any other exception is
    logged and becomes `internal`: the sender keeps a message until it is accepted and sends it
    again, so nothing is lost. LeaseLost is posted, since the connection is closed after it.
    """

    @metrics.log_metrics
    def handle(event: Event, _context: Any) -> Response:
        text = event.get("body") or ""
        try:
            caller = caller_of(event)
            about(caller.user, caller.device)
            if event.get("isBase64Encoded"):
                raise bad_request("frames are text, not binary")
            frame = frames.parse_frame(text)
            if frame["action"] not in routes:  # API Gateway parsed another action than we did
                raise bad_request("a frame names one action")
            return respond(routes[frame["action"]](clients(), caller, frame))
        except LeaseLost as error:
            logger.info("cut off a connection", extra={"reason": error.message})
            last = frames.error_frame(error, text)
            cut_off(clients().connections, caller.connection_id, last)
            return respond(None)
        except ChatError as error:
            logger.info("rejected a frame", extra={"code": error.code, "reason": error.message})
            return respond(frames.error_frame(error, text))
        except Exception as error:
            if is_throttled(error):
                logger.warning("throttled", exc_info=error)
                return respond(frames.error_frame(rate_limited(), text))
            logger.exception("failed on a frame")
            return respond(frames.error_frame(internal(), text))

    prepare()
    return handle


def cut_off(connections: Connections, connection_id: str, last: Frame) -> None:
    """Posts the last frame and closes the connection."""
    (outcome,) = connections.post_all([Post(connection_id, last)], LAST_POST_SECONDS)
    if outcome is not Outcome.GONE and connections.close(connection_id) is Outcome.FAILED:
        logger.warning("a connection that was cut off stays open until it is idle")


def respond(frame: Frame | None) -> Response:
    """200 even for an error frame: the connection is fine, and the client reads the body."""
    if frame is None:
        return {"statusCode": 200}
    return {"statusCode": 200, "body": frames.encode(frame)}
