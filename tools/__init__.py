"""The command line and the tools around the service."""
