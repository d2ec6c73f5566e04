"""Tests of saving pictures."""
