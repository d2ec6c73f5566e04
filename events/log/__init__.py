"""Where records are kept: append-only segment files, one writer each, and their readers."""
