"""What runs, as AWS's own describing calls give it: `aws lambda list-functions` and its kin."""
