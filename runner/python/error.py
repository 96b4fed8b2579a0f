"""The one error of the Python runner."""


class SessionError(Exception):
    """What is wrong (`message`), and what to do about it (`hint`)."""

    def __init__(self, message: str, hint: str) -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message}\nhint: {hint}")
