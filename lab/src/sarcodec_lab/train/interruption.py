"""A signal to end that is noted first, so that a run can keep what it has."""

import signal
import threading


class Interruption:
    """Inside, the first SIGINT or SIGTERM is noted and not obeyed; a second one is. Only the main thread can do so."""

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.number, self._before = 0, {}

    def came(self) -> bool:
        """Whether a signal was noted."""
        return self.number != 0

    def obey(self) -> None:
        """Do now what the noted signal asks for, as the process would have done without us."""
        if self.number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + self.number)

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in self._SIGNALS}
        return self

    def _note(self, number: int, frame: object) -> None:
        self.number = number
        self._give_back()

    def _give_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def __exit__(self, *exception: object) -> None:
        self._give_back()
