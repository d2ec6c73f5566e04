"""Files that are the same: by content, by their pixels, or by what they look like."""
