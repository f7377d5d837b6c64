"""The exchange with the hub: run by hand, by the background agent, or carried on a stick."""
