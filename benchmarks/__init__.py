"""How fast it is, each figure beside its reference, measured in the same run."""
