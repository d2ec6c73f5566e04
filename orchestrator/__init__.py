"""What we do: commands, scheduling on ComfyUI backends, the gallery, and the HTTP service."""

__version__ = "0.3.0"
