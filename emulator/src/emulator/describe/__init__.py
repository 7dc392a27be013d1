"""Describing calls of AWS, such as `aws lambda list-functions`, for what runs."""
