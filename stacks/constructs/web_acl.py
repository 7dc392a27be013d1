"""The AWS WAF web ACL of the load balancer."""

from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

MANAGED_RULES = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
)
# Key uploads exceed the 8 KB that this rule allows; the application has its own limit.
COUNTED_ONLY = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)}
REQUESTS_PER_ADDRESS = 2_000  # in five minutes


class WebAcl(Construct):
    def __init__(self, scope: Construct, id: str, *, protected_arn: str) -> None:
        super().__init__(scope, id)
        rules = [self._managed(name, order) for order, name in enumerate(MANAGED_RULES)]
        acl = wafv2.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visible("WebAcl"),
            rules=[*rules, self._rate_limit(len(rules))],
        )
        wafv2.CfnWebACLAssociation(
            self, "Association", resource_arn=protected_arn, web_acl_arn=acl.attr_arn
        )

    def _managed(self, name: str, priority: int) -> wafv2.CfnWebACL.RuleProperty:
        counted = [
            wafv2.CfnWebACL.RuleActionOverrideProperty(
                name=rule, action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
            )
            for rule in COUNTED_ONLY.get(name, ())
        ]
        group = wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
            name=name, vendor_name="AWS", rule_action_overrides=counted or None
        )
        return wafv2.CfnWebACL.RuleProperty(
            name=name,
            priority=priority,
            override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
            statement=wafv2.CfnWebACL.StatementProperty(managed_rule_group_statement=group),
            visibility_config=_visible(name),
        )

    def _rate_limit(self, priority: int) -> wafv2.CfnWebACL.RuleProperty:
        limit = wafv2.CfnWebACL.RateBasedStatementProperty(
            aggregate_key_type="IP", limit=REQUESTS_PER_ADDRESS
        )
        return wafv2.CfnWebACL.RuleProperty(
            name="RateLimit",
            priority=priority,
            action=wafv2.CfnWebACL.RuleActionProperty(block={}),
            statement=wafv2.CfnWebACL.StatementProperty(rate_based_statement=limit),
            visibility_config=_visible("RateLimit"),
        )


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
