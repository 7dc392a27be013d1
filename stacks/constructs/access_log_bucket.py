"""The bucket of the load balancer's access logs."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.config.environments import Environment
from stacks.constructs.grants import arn


class AccessLogBucket(Construct):
    """Encrypted by S3, since log delivery can't use a customer managed key. Objects expire."""

    def __init__(self, scope: Construct, id: str, *, config: Environment) -> None:
        super().__init__(scope, id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(config.log_retention_days))],
            # To empty a bucket CDK would add a function: this one is retained instead, and
            # by the rollback of a failed first deployment too. The load balancer puts a test file
            # into it when logging is turned on, and S3 deletes no bucket that has a file.
            # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
            removal_policy=RemovalPolicy.RETAIN,
        )

    def receive_from(self, balancer: elb.ApplicationLoadBalancer) -> None:
        """Grants the service principal, since CDK's `log_access_logs` needs the region at synth."""
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.bucket.arn_for_objects(f"AWSLogs/{Aws.ACCOUNT_ID}/*")],
                conditions={
                    "ArnLike": {
                        "aws:SourceArn": arn(self, "elasticloadbalancing", "loadbalancer/*")
                    }
                },
            )
        )
        balancer.set_attribute("access_logs.s3.enabled", "true")
        balancer.set_attribute("access_logs.s3.bucket", self.bucket.bucket_name)
        if self.bucket.policy:
            balancer.node.add_dependency(self.bucket.policy)
