"""The doctor: measures a share as it is mounted here, and says what holds and what to change.

`measure/` blocks and knows no good or bad; `judge/` is pure and says what the figures mean;
`examination.py` does one after the other, each within a limit.
"""
