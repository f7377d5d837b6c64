"""The schools of the district at a glance: last heard, what waits, whether all verifies."""
