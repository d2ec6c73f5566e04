"""Logs of every format that was ever shipped; the logs are never edited."""
