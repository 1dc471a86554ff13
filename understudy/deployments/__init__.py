"""Plans and routing."""
