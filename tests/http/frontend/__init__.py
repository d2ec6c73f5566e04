"""What the existing React frontend asks, and the fields that it reads of the answers."""
