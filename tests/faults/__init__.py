"""Real processes killed at any moment, and secrets searched for wherever they could have leaked."""
