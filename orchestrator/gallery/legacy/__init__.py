"""Taking over projects that used the predecessor of this service; its files are only ever read."""
