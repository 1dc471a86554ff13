"""Users' events on their way in, and rows on their way out."""
