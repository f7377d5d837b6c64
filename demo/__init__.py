"""The main job on real data: two schools' registers and one generated school, synced to a hub, counted there."""
