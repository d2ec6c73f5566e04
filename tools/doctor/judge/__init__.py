"""What the figures mean: verdicts, expectations and remedies. Pure."""
