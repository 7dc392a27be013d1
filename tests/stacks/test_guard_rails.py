"""Settings of an account's owner: permission boundary, tags, budget, tokens, quotas."""

from dataclasses import replace

import pytest

from stacks.config.environments import ENVIRONMENTS, PROD, Environment
from stacks.config.errors import ConfigError
from stacks.config.functions import FUNCTIONS
from stacks.config.guard_rails import GuardRails, Tokens
from stacks.config.overrides import environment_from
from stacks.config.quotas import quotas, table
from tests.stacks.complete import complete
from tests.stacks.shared_environments import BOUNDARY, CHANGED_DEV, LIMITED
from tests.stacks.synthesized import Synthesize, Synthesized


def test_every_role_has_the_boundary(synthesize: Synthesize) -> None:
    roles = synthesize(LIMITED).all("AWS::IAM::Role")
    assert len(roles) > len(FUNCTIONS)
    assert {each.properties.get("PermissionsBoundary") for each in roles} == {BOUNDARY}


def test_without_one_no_role_has_any(prod: Synthesized) -> None:
    assert not any("PermissionsBoundary" in each.properties for each in prod.all("AWS::IAM::Role"))


def test_what_has_tags_has_those_of_the_owner(synthesize: Synthesize) -> None:
    made = synthesize(LIMITED)
    expected = {"cost-center": "chat", "team": "a", "project": "switchboard", "environment": "prod"}
    for kind in ("DynamoDB::Table", "Lambda::Function", "ECS::Service", "KMS::Key", "SQS::Queue"):
        for each in made.all(f"AWS::{kind}"):
            tags = {tag["Key"]: tag["Value"] for tag in each.properties["Tags"]}
            assert tags.items() >= expected.items(), each.logical_id


def test_the_budget_notifies_before_it_is_spent(synthesize: Synthesize, prod: Synthesized) -> None:
    budget = synthesize(LIMITED).one("AWS::Budgets::Budget").properties
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 500, "Unit": "USD"}
    notified = {
        (each["Notification"]["NotificationType"], each["Notification"]["Threshold"])
        for each in budget["NotificationsWithSubscribers"]
        if each["Subscribers"] == [{"Address": "ops@example.com", "SubscriptionType": "EMAIL"}]
    }
    assert notified == {("ACTUAL", 80), ("FORECASTED", 100)}
    assert prod.all("AWS::Budgets::Budget") == []


def test_a_budget_without_anybody_to_notify_is_an_error() -> None:
    with pytest.raises(ConfigError, match="notifies alarms_email, which is None"):
        environment_from(complete("dev", **{"guard_rails.monthly_budget": 5}))


@pytest.mark.parametrize("tags", [("Project=x",), ("POOL=x",), ("team=a", "Team=b")])
def test_keys_of_tags_are_the_same_in_whatever_case(tags: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=r"guard_rails\.tags"):
        GuardRails(tags=tags)


def test_tokens_live_as_long_as_the_environment_says(synthesize: Synthesize) -> None:
    made = synthesize(CHANGED_DEV)
    client = made.one("AWS::Cognito::UserPoolClient").properties
    assert (client["AccessTokenValidity"], client["IdTokenValidity"]) == (15, 15)
    assert client["RefreshTokenValidity"] == 90 * 24 * 60
    assert set(client["TokenValidityUnits"].values()) == {"minutes"}


def test_a_refresh_token_outlives_the_access_token() -> None:
    with pytest.raises(ConfigError, match=r"outlive tokens\.access_minutes, which is 1440"):
        Tokens(access_minutes=1_440, refresh_days=1)


def test_in_prod_people_connect_whatever_the_other_functions_take(prod: Synthesized) -> None:
    reserved = {
        name: prod.function(f"{name}Function").properties.get("ReservedConcurrentExecutions")
        for name in FUNCTIONS
    }
    kept = {name for name, number in reserved.items() if number}
    assert kept == {"Authorize", "Connection"}
    with pytest.raises(ConfigError, match="all functions together may reserve 0, not 100"):
        replace(PROD, concurrent_executions=100)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_quotas_of_an_environment_follow_from_its_settings(name: str) -> None:
    config = environment_from(complete(name))
    needed = {each.name.partition(":")[0]: each.needed for each in quotas(config)}
    assert needed["EC2"] == str(config.network.nat_gateways)
    assert needed["Lambda"].startswith(f"{config.concurrent_executions}, of which ")
    assert all(each.page.endswith(".html") for each in quotas(config))
    assert table(config).startswith(f"{name}: ")


def test_the_quotas_grow_with_pools_and_shorter_tokens() -> None:
    def needed(config: Environment, service: str) -> str:
        return next(each.needed for each in quotas(config) if each.name.startswith(service))

    assert needed(PROD, "Fargate") == "50: 25 at the max of all, twice that during a deployment"
    assert needed(PROD, "Elastic") == "80: 40 at the max of all, twice that during a deployment"
    assert "432,000 devices" in needed(PROD, "Cognito")
    shorter = replace(PROD, tokens=Tokens(access_minutes=15))
    assert "108,000 devices" in needed(shorter, "Cognito")


def test_tasks_with_sockets_need_quotas_of_tasks_and_none_of_api_gateway() -> None:
    config = replace(PROD, websocket=replace(PROD.websocket, plane="containers"))
    needed = {each.name.partition(":")[0]: each.needed for each in quotas(config)}
    assert needed["Fargate"].startswith("70: 35 at the max")  # 20 of half a vCPU more
    assert needed["Elastic Load Balancing"].startswith("120: 60 at the max")
    assert needed["Lambda"].endswith("of which 0 are reserved")  # not for those that are not there
    assert "API Gateway" not in needed


def test_a_second_region_is_an_error_until_it_is_built() -> None:
    with pytest.raises(ConfigError, match=r"decision 0070\) is not built"):
        environment_from(complete("dev", second_region="eu-central-1"))
