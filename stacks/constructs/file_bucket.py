"""The bucket of the files that users send: pictures, voice and others, encrypted by the clients."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.config.environments import Environment
from stacks.constructs.grants import Resource

PREFIX = "files/"  # as in lambdas/files.py


class FileBucket(Construct):
    """Private; objects live as long as messages.

    S3 encrypts with its own key, also where the tables have one of ours: what is stored is
    ciphertext already, and each request that uses a key of KMS is charged. There are no versions,
    so that expired objects are really deleted.
    """

    def __init__(self, scope: Construct, id: str, *, config: Environment) -> None:
        super().__init__(scope, id)
        cloudfront = config.cloudfront
        # the page's; that of a distribution without a name is not known to this stack
        domain = cloudfront.domain_name if cloudfront.enabled else config.load_balancer.domain_name
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(config.message_ttl_days),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
            # A request is permitted by its signature, never by a cookie. So without a domain name,
            # whose origin would be known here, pages of any origin may send requests: only signed
            # ones are accepted.
            cors=[
                s3.CorsRule(
                    allowed_methods=[s3.HttpMethods.GET, s3.HttpMethods.POST],
                    allowed_origins=[f"https://{domain}" if domain else "*"],
                    allowed_headers=["*"],
                    exposed_headers=["Content-Length", "Content-Range"],
                    max_age=3600,
                )
            ],
            # S3 deletes no bucket that has objects, and to empty one CDK would add a function. A
            # retained bucket is emptied by its lifecycle rule. The bucket of a first deployment
            # that fails is empty, so CloudFormation deletes it (retention.py).
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        self.resource = Resource((self.bucket.arn_for_objects(f"{PREFIX}*"),))

    def variables(self) -> dict[str, str]:
        """The environment variables of functions and tasks that sign requests for the bucket."""
        return {
            "FILES_BUCKET": self.bucket.bucket_name,
            "FILES_URL": f"https://{self.bucket.bucket_regional_domain_name}",
        }
