"""Programs of the past and logs of the future, and the other way round."""
