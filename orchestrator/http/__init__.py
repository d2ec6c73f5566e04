"""The HTTP and WebSocket face: thin handlers, dialects, errors, OpenAPI."""
