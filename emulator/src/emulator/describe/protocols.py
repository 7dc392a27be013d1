"""A call of AWS read, and its response written, by the service's model in botocore.

Source: the service models that botocore has; the protocols awsJson, restJson1 and awsQuery of
smithy.io.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

from emulator import service_models

Parameters = dict[str, Any]
_MEMBER = re.compile(r"(.+?)\.member\.\d+$")
_FIELD = re.compile(r"(\w+)\.member\.([0-9]{1,3})\.(\w+)")  # of a structure in a list


class Call(NamedTuple):
    """`operation` is empty for a call that the service's model does not have."""

    operation: str
    parameters: Parameters


class Response(NamedTuple):
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: str


class Protocol:
    """One service's: `name` as botocore has it."""

    def __init__(self, name: str) -> None:
        model: ServiceModel = service_models.session().get_service_model(name)
        self._model = model
        self.version = str(model.metadata["apiVersion"])  # which calls of a query name
        # CloudWatch has several; its clients here choose JSON
        several = "json" in model.metadata.get("protocols", ())
        self._kind = "json" if several else str(model.metadata["protocol"])

    def read(self, method: str, target: str, query: str, body: bytes, action: str) -> Call:
        """`target` is the path, `action` the header X-Amz-Target. Raises ValueError."""
        given: Parameters
        if self._kind == "json":
            given = json.loads(body or b"{}")
            if not isinstance(given, dict):
                raise ValueError("the body is no object")
            name = action.rpartition(".")[2]
            self._check_types(name, given)
            return Call(name, given)
        if self._kind == "query":
            given = {}
            structures: dict[str, dict[int, dict[str, str]]] = {}
            for name, value in parse_qsl(body.decode() or query):
                if found := _MEMBER.fullmatch(name):
                    given.setdefault(found[1], []).append(value)
                elif found := _FIELD.fullmatch(name):
                    members = structures.setdefault(found[1], {})
                    members.setdefault(int(found[2]), {})[found[3]] = value
                else:
                    given[name] = value
            for name, members in structures.items():
                given[name] = [members[number] for number in sorted(members)]
            return Call(str(given.get("Action", "")), given)
        for name in self._model.operation_names:
            http = self._model.operation_model(name).http
            uri, _, fixed = str(http["requestUri"]).partition("?")
            if not set(parse_qsl(fixed)) <= set(parse_qsl(query)):
                continue
            path = uri.rstrip("/")
            pattern = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", path)
            found = re.fullmatch(pattern, target.rstrip("/"))
            if found and http["method"] == method:
                values = {key: unquote(value) for key, value in found.groupdict().items()}
                return Call(name, self._named(name, {**dict(parse_qsl(query)), **values}))
        return Call("", {})

    def _check_types(self, operation: str, given: Parameters) -> None:
        if operation not in self._model.operation_names:
            return
        if shape := self._model.operation_model(operation).input_shape:
            report = ParamValidator().validate(given, shape).generate_report()
            if "Invalid type" in report:
                raise ValueError(report)

    def _named(self, operation: str, given: Mapping[str, str]) -> Parameters:
        """The parameters by the members' names instead of those in paths and queries."""
        shape = self._model.operation_model(operation).input_shape
        members = shape.members if isinstance(shape, StructureShape) else {}
        names = {each.serialization.get("name", name): name for name, each in members.items()}
        return {names.get(name, name): value for name, value in given.items()}

    def written(self, operation: str, result: Mapping[str, Any]) -> Response:
        shape = self._model.operation_model(operation).output_shape
        if self._kind == "query":
            inner = _xml(shape, result)
            name = self._model.operation_model(operation).name
            space = self._model.metadata["xmlNamespace"]
            text = (
                f'<{name}Response xmlns="{space}"><{name}Result>{inner}</{name}Result>'
                f"<ResponseMetadata><RequestId>local</RequestId></ResponseMetadata></{name}Response>"
            )
            return Response(200, {"Content-Type": "text/xml"}, text)
        return Response(200, {"Content-Type": self._json()}, json.dumps(_plain(shape, result)))

    def failed(self, status: int, code: str, message: str) -> Response:
        if self._kind == "query":
            text = (
                "<ErrorResponse><Error><Type>Sender</Type>"
                f"<Code>{code}</Code><Message>{escape(message)}</Message></Error>"
                "<RequestId>local</RequestId></ErrorResponse>"
            )
            return Response(status, {"Content-Type": "text/xml"}, text)
        headers = {"Content-Type": self._json(), "x-amzn-ErrorType": code}
        return Response(status, headers, json.dumps({"__type": code, "message": message}))

    def _json(self) -> str:
        version = self._model.metadata.get("jsonVersion")
        return f"application/x-amz-json-{version}" if version else "application/json"


def _plain(shape: Shape | None, value: Any) -> Any:
    """A value as JSON; a member that the model has not is left out."""
    if isinstance(shape, StructureShape):
        return {
            member.serialization.get("name", name): _plain(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [_plain(shape.member, each) for each in value]
    if isinstance(shape, MapShape):
        return {name: _plain(shape.value, each) for name, each in value.items()}
    if isinstance(value, str) and shape is not None:  # a template has these as texts as well
        if shape.type_name == "boolean":
            return value == "true"
        if shape.type_name in ("integer", "long"):
            return int(value)
    return value


def _xml(shape: Shape | None, value: Any) -> str:
    if isinstance(shape, StructureShape):
        return "".join(
            f"<{name}>{_xml(member, value[name])}</{name}>"
            for name, member in shape.members.items()
            if value.get(name) is not None
        )
    if isinstance(shape, ListShape):
        return "".join(f"<member>{_xml(shape.member, each)}</member>" for each in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if shape is not None and shape.type_name == "timestamp":
        return datetime.fromtimestamp(float(value), UTC).isoformat()
    return escape(str(value))
