"""The page by the domain name that the load balancer has, in a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.peers import Peers
from tests.support.web_app import People, befriend, says, send, write_to
from tests.system.conftest import NAMES

pytestmark = [pytest.mark.xdist_group("story"), pytest.mark.deep]


def test_a_page_of_the_balancers_name_signs_up_connects_and_sends(
    endpoints: dict[str, Any], people: People, peers: Peers, names: Callable[[str], str]
) -> None:
    """Chromium leads every name under localhost to this machine by itself."""
    ravi, raju = names("ravi"), names("raju")
    python = peers.connect(raju)
    people.address = f"{endpoints['names'][NAMES['load_balancer.domain_name']]}/"
    page = people.signed_up(ravi)
    assert page.url.startswith("http://chat.example.com.localhost:")
    befriend(peers, python, ravi)
    write_to(page, raju)
    send(page, "By the name")
    peers.wait_for(python, says("By the name"))
    expect(page.get_by_text("By the name", exact=True).first).to_be_visible()
