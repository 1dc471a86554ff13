"""Router, worker and comparator as running instances: built from the settings, run, watched over."""
