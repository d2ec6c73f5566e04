"""Tests of the groups of jobs, but for what HTTP adds."""
