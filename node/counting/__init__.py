"""What the school's reports count, apart from their pages: acts of the movement book count them anew too."""
