"""Releases, as people steer them: deploying, promoting, taking back, and the story of it."""
