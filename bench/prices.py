"""AWS list prices, us-east-1, US$, on demand, without free tiers, from the services' pricing pages.

They change: look there before you plan with a figure that was made with these.
"""

MILLION = 1_000_000
GB = 1024**3

# https://aws.amazon.com/dynamodb/pricing/on-demand/
DYNAMODB_WRITE_UNIT = 0.625 / MILLION
DYNAMODB_READ_UNIT = 0.125 / MILLION
# https://aws.amazon.com/api-gateway/pricing/
WEBSOCKET_MESSAGE = 1.00 / MILLION  # each started 32 KB, in either direction
WEBSOCKET_MESSAGE_BYTES = 32 * 1024
CONNECTION_MINUTE = 0.25 / MILLION
# https://aws.amazon.com/lambda/pricing/
LAMBDA_REQUEST = 0.20 / MILLION
LAMBDA_GB_SECOND = 0.0000133334  # arm64
# https://aws.amazon.com/sqs/pricing/, https://aws.amazon.com/sns/pricing/
SQS_FIFO_REQUEST = 0.50 / MILLION
SNS_MOBILE_PUSH = 0.50 / MILLION
# https://aws.amazon.com/s3/pricing/, S3 Standard: PUT, COPY, POST and LIST; GET
S3_POST = 0.005 / 1_000
S3_GET = 0.0004 / 1_000
# https://aws.amazon.com/ec2/pricing/on-demand/, data that leaves AWS, the first 10 TB of a month
TRANSFER_GB = 0.09
# https://aws.amazon.com/cloudwatch/pricing/, logs that are ingested
LOGS_GB = 0.50
# https://aws.amazon.com/elasticloadbalancing/pricing/: a capacity unit (LCU) has 25 new connections
# a second, or 3,000 active ones in a minute
LCU_HOUR = 0.008
LCU_NEW_CONNECTIONS = 25
LCU_ACTIVE_CONNECTIONS = 3_000
# https://aws.amazon.com/cognito/pricing/, a user who is active in a month, above 10,000
COGNITO_USER = 0.0055
COGNITO_FREE_USERS = 10_000
# https://aws.amazon.com/fargate/pricing/, ARM, an hour
FARGATE_VCPU_HOUR = 0.03238
FARGATE_GB_HOUR = 0.00356
HOURS = 730  # of a month, as AWS's pages count
