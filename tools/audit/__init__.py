"""The audit of a log: every promise of events/FORMAT.md that bytes can prove or disprove."""
