"""Firebase Cloud Messaging and the Apple Push Notification service, and the phones behind them."""
