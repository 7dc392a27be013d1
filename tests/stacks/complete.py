"""Contexts of the environments with all settings that a deployment requires, and what is rejected."""

from collections.abc import Mapping
from typing import Any

import pytest

from stacks.config.errors import ConfigError
from stacks.config.overrides import environment_from

ACCOUNT = "123456789012"
REGION = "eu-west-1"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1b2c3d4e-5f60-4718-8a9b-0c1d2e3f4a5b"
# environment -> what its value in stacks/config/environments.py leaves to each deployment
LEFT_OUT: Mapping[str, Mapping[str, Any]] = {
    "dev": {},
    "staging": {"load_balancer.plain_http": True},
    "prod": {"account": ACCOUNT, "region": REGION, "load_balancer.plain_http": True},
}


def complete(env: str, **overrides: Any) -> dict[str, Any]:
    """The context of `env` with `overrides`; where these name a certificate, HTTPS is meant."""
    context = {"env": env, **LEFT_OUT[env], **overrides}
    if overrides.get("load_balancer.certificate_arn"):
        context["load_balancer.plain_http"] = False
    return context


def must_be_rejected(context: Mapping[str, Any], field: str, words: str) -> None:
    """The error names the setting `field`, and says `words`."""
    with pytest.raises(ConfigError) as error:
        environment_from(context)
    assert error.value.field == field
    assert words in str(error.value)
