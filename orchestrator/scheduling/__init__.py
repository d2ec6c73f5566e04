"""Which job runs where: choosing, dispatching, following, recovering."""
