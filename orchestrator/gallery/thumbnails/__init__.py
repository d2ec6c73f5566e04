"""Small pictures of the gallery's files: made in threads, kept on local disk by content."""
