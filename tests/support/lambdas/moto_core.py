"""moto's way from a request to its operation, without what is the same for each request.

It compares each URL with the patterns of 200 services, sorts and renames what has the same name
each time, and prepares to stand for servers that are called with the package `requests`, which
nothing here uses.
"""

import re
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.loaders import JSONFileLoader, Loader
from moto import backends
from moto.backend_index import backend_url_patterns
from moto.core import models, responses, utils
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.request import normalize_request
from moto.sqs import models as sqs
from werkzeug.exceptions import HTTPException

_REGION = "us-east-1"
_method_names = cache(utils.method_names_from_class)
_underscores = cache(utils.camelcase_to_underscores)
_load_file = lru_cache(maxsize=32)(JSONFileLoader().load_file)
_services = cache(Loader().list_available_services)


def install(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(models, "RESPONSES_METHODS", [])
    patch.setattr(BotocoreStubber, "process_request", _processed)
    patch.setattr(BackendDict, "__getitem__", _of_account)
    # moto lists and sorts all methods of a service's class at each request
    patch.setattr(responses, "method_names_from_class", _method_names)
    patch.setattr(responses, "camelcase_to_underscores", _underscores)
    patch.setattr(sqs, "camelcase_to_underscores", _underscores)
    # each request names an access key, of which moto looks for the account
    patch.setenv("MOTO_ACCOUNT_ID", DEFAULT_ACCOUNT_ID)
    # each session of botocore reads all endpoints of AWS, and looks for the models of all services
    patch.setattr(JSONFileLoader, "load_file", lambda _self, path: _load_file(path))
    patch.setattr(
        Loader, "list_available_services", lambda _self, type_name: _services(type_name=type_name)
    )


def _of_account(self: Any, account: str) -> Any:
    """moto compares all its services' backends at each look at one."""
    if not dict.__contains__(self, account):
        self._create_account_specific_backend(account)
    return dict.__getitem__(self, account)


def _processed(_: BotocoreStubber, request: Any) -> Any:
    url = urlsplit(request.url)
    operation = _operation(f"{url.scheme}://{url.netloc}{url.path}")
    if operation is None:
        return None
    normalized = normalize_request(request)
    try:
        return operation(normalized, normalized.raw_url, normalized.headers)
    except HTTPException as error:
        return error.code, error.get_headers(), error.get_body()


@lru_cache(maxsize=100)
def _operation(url: str) -> Any:
    """moto's function for a URL; None for one that is not AWS's."""
    for service, pattern in backend_url_patterns:
        if pattern.match(url):
            regions = backends.get_backend(service)[DEFAULT_ACCOUNT_ID]  # type: ignore[call-overload]
            backend = regions[_REGION if _REGION in regions else "aws"]
            for path, operation in backend.urls.items():
                if re.match(path, url):
                    return operation
    return None
