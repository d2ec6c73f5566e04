"""Tests of how we speak to ComfyUI."""
