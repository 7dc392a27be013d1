"""A budget of the account, which notifies by e-mail."""

from aws_cdk import aws_budgets as budgets
from constructs import Construct

# percent, and of what: see docs.aws.amazon.com/cost-management/latest/userguide/budgets-create.html
NOTIFIED = (("ACTUAL", 80), ("FORECASTED", 100))


class Budget(Construct):
    """The budget of all monthly costs of the account: a budget of tagged resources would see no
    costs until somebody has activated the tag for billing. It only notifies.
    """

    def __init__(self, scope: Construct, id: str, *, dollars: int, email: str) -> None:
        super().__init__(scope, id)
        budgets.CfnBudget(
            self,
            "Monthly",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=dollars, unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[
                        budgets.CfnBudget.SubscriberProperty(
                            address=email, subscription_type="EMAIL"
                        )
                    ],
                )
                for kind, percent in NOTIFIED
            ],
        )
