"""Commands people give, the pure functions that decide them, and the bus that carries them out."""
