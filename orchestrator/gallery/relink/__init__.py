"""Finding files again that were renamed or moved outside of the service."""
