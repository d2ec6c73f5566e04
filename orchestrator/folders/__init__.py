"""Folders outside of any project's log: browsing them, making them, finding renders in them."""
