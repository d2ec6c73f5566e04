"""Renaming, moving, trashing and restoring files so that none is ever replaced or lost."""
