"""Figures for Prometheus: counted as things happen, or looked up when somebody asks for them."""
