"""Telling other programs of the ends of jobs: which addresses may be told, and the telling."""
