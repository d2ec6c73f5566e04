"""Folders outside of any project: patterns, browsing, scanning, and shares that hang."""
