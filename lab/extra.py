"""What a lab needs beyond the runbook itself: the libraries of the extra ``lab``.

They are imported where they are used: to list the faults, or to say what a command does, none of them is needed.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

from lab import NotInstalled

LIBRARIES = ("docker", "flask", "flask-cors", "moto", "packaging")


def require() -> None:
    """Go on only where they are installed.

    Raises:
        NotInstalled: One of them is not, and how it comes here.
    """
    missing = [name for name in LIBRARIES if not _is_installed(name)]
    if missing:
        raise NotInstalled(
            f"a lab needs libraries that are not installed here ({', '.join(missing)}): "
            "`pip install --editable '.[lab]'` brings them"
        )


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
