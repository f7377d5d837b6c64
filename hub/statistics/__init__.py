"""The district's figures: the shared cubes over every school, kept and recomputed only where something came."""
