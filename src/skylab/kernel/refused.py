"""How Skylab says no to the person who starts it."""


class Refused(Exception):
    """Skylab cannot do what was asked; the message is one sentence that says why and what helps."""
