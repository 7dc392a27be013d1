"""Valid names of projects, environments, domains and mailboxes."""

import re

from stacks.config.errors import require

# RFC 1123 section 2.1: labels of up to 63 letters, digits and inner hyphens, 253 characters in all
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN_NAME = re.compile(rf"(?=.{{1,253}}$)(?:{LABEL}\.)+(?![0-9]+$){LABEL}")
# RFC 5321 section 4.1.2 without quoted strings and address literals; section 4.5.3.1 has the 64
# characters of a mailbox, and 254 of the whole are its 256 of a path without the brackets.
MAILBOX = re.compile(
    r"(?=.{1,64}$)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
)
LONGEST_EMAIL = 254
# "can have a maximum of 32 characters, must contain only alphanumeric characters or hyphens":
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
LONGEST_TARGET_GROUP = 32
# Stack names, which start with these two, start with a letter and have letters, digits and hyphens:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


def check_names(project: str, environment: str) -> None:
    """The names of stacks, target group, API, dashboard and key start with them."""
    require(
        bool(NAME.fullmatch(project)),
        "project",
        project,
        "stacks are called by it, and their names have letters, digits and hyphens, start with a "
        "letter, and here do not end with a hyphen",
        "Set project to one such as switchboard",
    )
    # 'You cannot specify a namespace that begins with "AWS/"', and this one is Aws/<environment>:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
    require(
        project.lower() != "aws",
        "project",
        project,
        "the metrics' namespace begins with it, and those that begin with AWS/ are AWS's own",
        "Choose another name",
    )
    require(
        bool(NAME.fullmatch(environment)),
        "name",
        environment,
        "an environment's name has letters, digits and hyphens, starts with a letter and does not "
        "end with a hyphen",
        "Rename the environment to one such as staging",
    )
    group = f"{project}-{environment}-lambda"
    field = "project" if len(f"p-{environment}-lambda") <= LONGEST_TARGET_GROUP else "name"
    require(
        len(group) <= LONGEST_TARGET_GROUP,
        field,
        project if field == "project" else environment,
        "the load balancer's target group is called <project>-<environment>-lambda (or -live), and "
        f"such a name has at most {LONGEST_TARGET_GROUP} characters, not {len(group)}",
        "Shorten the project's or the environment's name",
    )


def is_email(address: str) -> bool:
    """Whether the address has the form of one that receives mail over the internet."""
    mailbox, at, domain = address.rpartition("@")
    return (
        bool(at)
        and address.isascii()
        and len(address) <= LONGEST_EMAIL
        and bool(MAILBOX.fullmatch(mailbox))
        and bool(DOMAIN_NAME.fullmatch(domain.lower()))
    )
