"""The AWS WAF web ACL of the load balancer."""

import json
from collections.abc import Sequence

from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

MANAGED_RULES = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
)
# Key uploads exceed the 8 KB that this rule allows; the application has its own limit.
COUNTED_ONLY = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)}
# In five minutes, WAF's default window. Behind one address there may be many people; the
# application counts sign-ups and sign-ins of an address more exactly (lambdas/limits.py).
REQUESTS_PER_ADDRESS = 2_000
SIGN_INS_PER_ADDRESS = 1_000
SIGN_IN_PATHS = (
    "/api/sign-up",
    "/api/sign-in",
    "/api/password",
    "/api/password/reset",
    "/api/password/reset/confirm",
    "/api/account/delete",
)
WINDOW_SECONDS = 300
# The protocol's error, as the application gives it.
LIMITED = {
    "error": {
        "code": "rate_limited",
        "message": "too many requests from this address; try again later",
        "retry_after": WINDOW_SECONDS,
    }
}


class WebAcl(Construct):
    def __init__(
        self, scope: Construct, id: str, *, protected_arn: str, posts: str | None = None
    ) -> None:
        """Requests whose path matches the regular expression `posts` are neither limited nor
        inspected: functions share addresses, sign what they post, and a frame may look like an
        attack."""
        super().__init__(scope, id)
        others = _other_than(posts) if posts else None
        rules = [self._managed(name, order, others) for order, name in enumerate(MANAGED_RULES)]
        acl = wafv2.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visible("WebAcl"),
            custom_response_bodies={
                "RateLimited": wafv2.CfnWebACL.CustomResponseBodyProperty(
                    content_type="APPLICATION_JSON", content=json.dumps(LIMITED)
                )
            },
            rules=[
                *rules,
                _rate_limit(
                    "RateLimit",
                    len(rules),
                    REQUESTS_PER_ADDRESS,
                    others,
                ),
                _rate_limit(
                    "SignInRateLimit",
                    len(rules) + 1,
                    SIGN_INS_PER_ADDRESS,
                    _any_of(SIGN_IN_PATHS),
                ),
            ],
        )
        wafv2.CfnWebACLAssociation(
            self, "Association", resource_arn=protected_arn, web_acl_arn=acl.attr_arn
        )

    def _managed(
        self, name: str, priority: int, inspected: wafv2.CfnWebACL.StatementProperty | None
    ) -> wafv2.CfnWebACL.RuleProperty:
        counted = [
            wafv2.CfnWebACL.RuleActionOverrideProperty(
                name=rule, action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
            )
            for rule in COUNTED_ONLY.get(name, ())
        ]
        group = wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
            name=name,
            vendor_name="AWS",
            rule_action_overrides=counted or None,
            scope_down_statement=inspected,
        )
        return wafv2.CfnWebACL.RuleProperty(
            name=name,
            priority=priority,
            override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
            statement=wafv2.CfnWebACL.StatementProperty(managed_rule_group_statement=group),
            visibility_config=_visible(name),
        )


def _path(path: str) -> wafv2.CfnWebACL.StatementProperty:
    """WAF sees a path as it is on the wire, and the application decodes it."""
    return wafv2.CfnWebACL.StatementProperty(
        byte_match_statement=wafv2.CfnWebACL.ByteMatchStatementProperty(
            field_to_match=wafv2.CfnWebACL.FieldToMatchProperty(uri_path={}),
            positional_constraint="EXACTLY",
            search_string=path,
            text_transformations=[
                wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="URL_DECODE")
            ],
        )
    )


def _any_of(paths: Sequence[str]) -> wafv2.CfnWebACL.StatementProperty:
    matches = [_path(each) for each in paths]
    either = wafv2.CfnWebACL.OrStatementProperty(statements=matches)
    return wafv2.CfnWebACL.StatementProperty(or_statement=either)


def _other_than(paths: str) -> wafv2.CfnWebACL.StatementProperty:
    """Compares the path as it is on the wire: a decoded path, such as that of /sockets%2F.., may be
    another one than the target serves.
    """
    match = wafv2.CfnWebACL.RegexMatchStatementProperty(
        field_to_match=wafv2.CfnWebACL.FieldToMatchProperty(uri_path={}),
        regex_string=paths,
        text_transformations=[wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")],
    )
    other = wafv2.CfnWebACL.NotStatementProperty(
        statement=wafv2.CfnWebACL.StatementProperty(regex_match_statement=match)
    )
    return wafv2.CfnWebACL.StatementProperty(not_statement=other)


def _rate_limit(
    name: str,
    priority: int,
    limit: int,
    counted: wafv2.CfnWebACL.StatementProperty | None,
) -> wafv2.CfnWebACL.RuleProperty:
    """Blocks an address with more requests than that in WINDOW_SECONDS, of those `counted`.

    docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based.html
    """
    rate = wafv2.CfnWebACL.RateBasedStatementProperty(
        aggregate_key_type="IP",
        limit=limit,
        scope_down_statement=counted,
    )
    limited = wafv2.CfnWebACL.CustomResponseProperty(
        response_code=429,
        custom_response_body_key="RateLimited",
        response_headers=[
            wafv2.CfnWebACL.CustomHTTPHeaderProperty(name="retry-after", value=str(WINDOW_SECONDS))
        ],
    )
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        action=wafv2.CfnWebACL.RuleActionProperty(
            block=wafv2.CfnWebACL.BlockActionProperty(custom_response=limited)
        ),
        statement=wafv2.CfnWebACL.StatementProperty(rate_based_statement=rate),
        visibility_config=_visible(name),
    )


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
