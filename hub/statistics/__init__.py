"""The district's figures: the shared cubes over every school, kept per school and recomputed only where something came."""
