"""The comparator role: what was owed, what was answered, and how the shadows' answers compare with production's."""
