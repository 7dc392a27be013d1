"""API Gateway's WebSocket API and its @connections management API."""
