"""When a service consolidates the logs of its projects."""
