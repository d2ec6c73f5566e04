"""Tests of the states of projects."""
