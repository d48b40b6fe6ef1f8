"""Where a spool is, and whether it may be used (docs/specs/client.md, 4.2 and 7)."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

_NAME = "gravitas-telemetry"


def user_id() -> int | None:
    """Of the process; None where there are no such users."""
    return os.geteuid() if hasattr(os, "geteuid") else None


class SpoolDirectory:
    """Looked for when it is needed, and made when something is to be written."""

    def __init__(self, given: str | os.PathLike[str] | None) -> None:
        self._given = given

    def found(self) -> Path | None:
        """None where there is none, or none that may be used."""
        for path in self._places():
            try:
                self._check(path)
            except OSError:
                continue
            return path
        return None

    def made(self) -> Path:
        """OSError where there is none that may be used."""
        failure = OSError("there is no place for a spool")
        for path in self._places():
            try:
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._check(path)
                return path
            except OSError as error:
                failure = error
        raise failure

    def _places(self) -> list[Path]:
        if self._given is not None:
            return [Path(self._given)]
        state = os.environ.get("XDG_STATE_HOME", "")
        places = []
        try:
            directory = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
            if directory.is_absolute():
                places.append(directory / _NAME)
        except RuntimeError:
            # There is no home.
            pass
        user = user_id()
        places.append(Path(tempfile.gettempdir()) / (_NAME if user is None else f"{_NAME}-{user}"))
        return places

    def _check(self, path: Path) -> None:
        """OSError where somebody else may have a hand in it."""
        about = path.stat() if self._given is not None else path.lstat()
        if not stat.S_ISDIR(about.st_mode):
            raise NotADirectoryError(f"{path} is not a directory")
        user = user_id()
        owners = (user, 0) if self._given is not None else (user,)
        if user is not None and about.st_uid not in owners:
            raise PermissionError(f"{path} belongs to another user")
        if user is not None and self._given is None and about.st_mode & 0o077:
            # It is ours by its owner and its name; a release before this one, say, made it.
            path.chmod(0o700)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(f"{path} can't be written to")
