"""What was, and how to get back there: history, undo, the gallery as of a moment, differences."""
