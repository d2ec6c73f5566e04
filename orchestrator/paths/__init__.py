"""Which paths may be touched, and what a path that somebody sends means here."""
