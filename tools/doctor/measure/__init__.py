"""Measuring a share. Blocks, and knows no good or bad."""
