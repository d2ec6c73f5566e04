"""Speaking to ComfyUI: HTTP, WebSocket, and its workflows."""
