"""The disposable index of a project's files: what stands in them, and how they are found."""
