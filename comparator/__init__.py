"""The comparator role."""
