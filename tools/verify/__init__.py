"""Verifying a log: is everything there that was ever recorded, as far as anybody can tell?"""
