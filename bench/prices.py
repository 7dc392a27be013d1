"""AWS list prices, us-east-1, US$, on demand, without free tiers, from the services' pricing pages.

They change: look there before you plan with a figure that was made with these.
"""

MILLION = 1_000_000

DYNAMODB_WRITE_UNIT = 0.625 / MILLION
DYNAMODB_READ_UNIT = 0.125 / MILLION
WEBSOCKET_MESSAGE = 1.00 / MILLION  # each started 32 KB, in either direction
WEBSOCKET_MESSAGE_BYTES = 32 * 1024
LAMBDA_REQUEST = 0.20 / MILLION
LAMBDA_GB_SECOND = 0.0000133334  # arm64
SQS_FIFO_REQUEST = 0.50 / MILLION
SNS_MOBILE_PUSH = 0.50 / MILLION
# https://aws.amazon.com/s3/pricing/, S3 Standard: PUT, COPY, POST and LIST; GET
S3_POST = 0.005 / 1_000
S3_GET = 0.0004 / 1_000
