"""The attributes of a load balancer and its listener."""

import pytest
from tests.rows import rows

from emulator.balancer.settings import (
    BalancerSettings,
    read_settings,
    with_listener_attributes,
)
from emulator.providers import EmulatorError

MODE = "routing.http.xff_header_processing.mode"
FRAME = "routing.http.response.x_frame_options.header_value"


def test_without_attributes_they_are_awss_defaults() -> None:
    defaults = BalancerSettings(
        idle_seconds=60,
        client_keep_alive_seconds=3600,
        forwarded_for="append",
        forwarded_client_port=False,
        preserve_host=False,
        drop_invalid_headers=False,
        desync="defensive",
        server_header=True,
        added_headers=(),
    )
    assert read_settings("LB", {}) == BalancerSettings() == defaults


def test_attributes_that_repeat_the_defaults_may_be_written_out() -> None:
    """A template writes them all, as CloudFormation leaves on what is no longer written."""
    neutral = {
        "access_logs.s3.enabled": "false",
        "access_logs.s3.bucket": "",
        "access_logs.s3.prefix": "",
        "client_keep_alive.seconds": "3600",
        "connection_logs.s3.enabled": "false",
        "health_check_logs.s3.enabled": "false",
        "deletion_protection.enabled": "false",
        "idle_timeout.timeout_seconds": "60",
        "load_balancing.cross_zone.enabled": "true",
        "routing.http.desync_mitigation_mode": "defensive",
        "routing.http.drop_invalid_header_fields.enabled": "false",
        "routing.http.preserve_host_header.enabled": "false",
        "routing.http.xff_client_port.enabled": "false",
        MODE: "append",
        "routing.http2.enabled": "true",
        "waf.fail_open.enabled": "false",
        "zonal_shift.config.enabled": "false",
    }
    assert read_settings("LB", neutral) == BalancerSettings()


def test_every_attribute_is_read() -> None:
    read = read_settings(
        "LB",
        {
            "access_logs.s3.enabled": "true",
            "access_logs.s3.bucket": "b",
            "client_keep_alive.seconds": "604800",
            "deletion_protection.enabled": "true",
            "idle_timeout.timeout_seconds": "4000",
            "load_balancing.cross_zone.enabled": "true",
            "routing.http.desync_mitigation_mode": "strictest",
            "routing.http.drop_invalid_header_fields.enabled": "true",
            "routing.http.preserve_host_header.enabled": "true",
            "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "true",
            "routing.http.xff_client_port.enabled": "true",
            MODE: "remove",
            "routing.http2.enabled": "true",
            "waf.fail_open.enabled": "false",
        },
    )
    assert read == BalancerSettings(4000, 604_800, "remove", True, True, True, "strictest")
    listener = {
        FRAME: "SAMEORIGIN",
        "routing.http.response.content_security_policy.header_value": "default-src 'self'",
        "routing.http.response.access_control_max_age.header_value": "",
        "routing.http.response.server.enabled": "false",
    }
    both = with_listener_attributes("Listener", read, listener)
    assert both.idle_seconds == 4000
    assert not both.server_header
    assert both.added_headers == (
        ("Content-Security-Policy", "default-src 'self'"),
        ("X-Frame-Options", "SAMEORIGIN"),
    )


@rows(
    ("name", "value", "message"),
    [
        ("idle_timeout.timeout_seconds", "0", "not within 1 to 4000 seconds"),
        ("idle_timeout.timeout_seconds", "4001", "not within 1 to 4000 seconds"),
        ("idle_timeout.timeout_seconds", "1.5", "not within 1 to 4000 seconds"),
        ("client_keep_alive.seconds", "59", "not within 60 to 604800 seconds"),
        (MODE, "keep", "none of append, preserve, remove"),
        ("routing.http.desync_mitigation_mode", "lax", "none of defensive, strictest, monitor"),
        ("routing.http.preserve_host_header.enabled", "True", "none of false, true"),
        ("waf.fail_open.enabled", "true", "AWS WAF is not"),
        ("load_balancing.cross_zone.enabled", "false", "always on"),
        ("routing.http.new_thing", "1", "the attribute routing.http.new_thing"),
    ],
)
def test_invalid_and_unknown_attributes_are_rejected_by_name(
    name: str, value: str, message: str
) -> None:
    with pytest.raises(EmulatorError, match=message) as caught:
        read_settings("LB in stack Web", {name: value})
    assert "LB in stack Web" in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (FRAME, "DENY\r\nX: y"),
        (FRAME, 'quoted "value"'),
        (FRAME, "x" * 1025),
        ("routing.http.response.server.enabled", "no"),
        ("routing.http.request.x_amzn_mtls_clientcert.header_name", "X-Cert"),
    ],
)
def test_a_listeners_attributes_are_checked_too(name: str, value: str) -> None:
    with pytest.raises(EmulatorError, match=name):
        with_listener_attributes("Listener", BalancerSettings(), {name: value})
