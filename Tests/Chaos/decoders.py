"""Shell scripts that stand in for whorl-decoder. The clip is their descriptor 3, the worker their parent."""

import pathlib
import shlex


class Decoders:
    """Writes the scripts into one folder."""

    def __init__(self, folder: pathlib.Path, programs: pathlib.Path):
        self.folder = folder
        self.real = shlex.quote(str(programs / "whorl-decoder"))

    def _script(self, name: str, lines: str) -> str:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def slow(self, seconds: float) -> str:
        """Decodes well, but late."""
        return self._script(f"slow-{seconds}", f'sleep {seconds}\nexec {self.real} "$@"')

    def hanging(self) -> str:
        """Never answers. One process, so that killing it leaves no sleeping child behind."""
        return self._script("hanging", "exec sleep 600")

    def crashing(self, size: int) -> str:
        """Crashes on clips of one size and decodes the others."""
        return self._script("crashing", f'{_if_size(size)} kill -SEGV $$; fi\nexec {self.real} "$@"')

    def poisonous(self, size: int) -> str:
        """A clip of one size kills the worker; the others take a second, so that they run beside it."""
        return self._script(
            "poisonous", f'{_if_size(size)} kill -KILL $PPID; exec sleep 600; fi\nsleep 1\nexec {self.real} "$@"'
        )


def _if_size(size: int) -> str:
    return f'if [ "$(stat -L -c %s /proc/$$/fd/3)" = {size} ]; then'
