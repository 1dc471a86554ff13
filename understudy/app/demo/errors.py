"""What can go wrong in the demo. Every text says what happened and what to do."""


class NoScenery(Exception):
    """The example is not there, or what it needs is not installed."""


class RoleDied(Exception):
    """A role ended although nobody told it to; the text has its last words."""


class Stuck(Exception):
    """Nothing moves any more; the text says where it stands."""
