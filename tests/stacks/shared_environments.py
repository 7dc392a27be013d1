"""Environments that tests share, since a synthesis takes a second of CPU: dev and prod with another
value of settings that have nothing to do with each other."""

from dataclasses import replace

from stacks.config.environments import DEV, PROD, Environment
from stacks.config.guard_rails import GuardRails, Tokens
from stacks.config.load_balancer import LoadBalancer
from stacks.config.releases import Releases
from stacks.config.settings import Pipeline, Push
from stacks.config.target_groups import Stickiness
from tests.stacks.complete import ACCOUNT

OWN_SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:fcm-AbCdEf"
SUBJECT = "repo:example/chat:environment:dev"
RUNBOOKS_URL = "https://example.com/team/runbooks/"
CHANGED_DEV = replace(
    DEV,
    alarms_email="ops@example.com",
    architecture="x86_64",
    canary_minutes=30,
    message_ttl_days=365,
    password_reset=True,
    pipeline=Pipeline(subject=SUBJECT),
    push=Push(fcm_secret_arn=OWN_SECRET, credentials_version=2),
    runbooks_url=RUNBOOKS_URL,
    tokens=Tokens(access_minutes=15, refresh_days=90),
    tracing=True,
    websocket=replace(DEV.websocket, access_logs=False),
)
CONTAINERS_ONLY = replace(
    DEV,
    backup_days=7,
    pipeline=Pipeline(subject=SUBJECT, new_provider=False),
    pools=DEV.pools[1:],
    load_balancer=LoadBalancer(
        stickiness=Stickiness(kind="app_cookie", cookie_name="session", duration=600)
    ),
)

# prod with everything that an owner may add to it
EVERYTHING = replace(
    PROD,
    alarms_email="ops@example.com",
    backup_days=7,
    canary_minutes=30,
    load_balancer=replace(PROD.load_balancer, ip_hash=True, access_logs=True),
)
IN_TASKS = replace(EVERYTHING, websocket=replace(PROD.websocket, plane="containers"))

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/team/boundary"
LIMITED = replace(
    PROD,
    alarms_email="ops@example.com",
    functions=replace(PROD.functions, send=replace(PROD.functions.send, provisioned_concurrency=5)),
    guard_rails=GuardRails(
        permission_boundary=BOUNDARY, tags=("cost-center=chat", "team=a"), monthly_budget=500
    ),
    releases=Releases(shifting="all_at_once"),
)


def with_domain(certificate_arn: str | None) -> Environment:
    balancer = LoadBalancer(certificate_arn=certificate_arn, domain_name="api.example.com")
    return replace(DEV, load_balancer=balancer)
