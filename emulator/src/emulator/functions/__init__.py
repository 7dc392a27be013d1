"""Lambda functions: AWS's runtime client in worker processes, fed by a local Runtime API."""
