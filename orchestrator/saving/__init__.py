"""Saving what clients hand over: pictures of backends, and pictures as text."""
