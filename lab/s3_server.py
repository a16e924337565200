"""The S3-compatible server of a lab: moto's, taken from this very environment, in the version that is pinned here.

Only what is pure Python and speaks S3 (and IAM, for its keys) is taken along; the rest is the server's own packages'.
"""

from __future__ import annotations

import shutil
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement

ROOTS = ("moto", "flask", "flask-cors")
OF_THE_SERVER = ("cffi", "cryptography", "pycparser")
"""Not pure Python: its own package python3-cryptography stands for them."""

KEPT = {
    ("moto",): {
        *("cloudwatch", "core", "events", "iam", "moto_api", "moto_server", "s3", "s3bucket_path", "sts", "utilities"),
    },
    ("botocore", "data"): {"iam", "s3", "sts"},
}
"""Folders of which only these are kept: the others are Amazon's other services."""


def made_from() -> list[str]:
    """Each distribution with its version: another one makes another image."""
    return sorted(f"{name}=={found.version}" for name, found in _needed().items())


def copy_into(folder: Path) -> None:
    """Copy it all into a new folder, which then is one to be named in PYTHONPATH."""
    for found in _needed().values():
        for file in found.files or ():
            if _is_kept(file):
                place = folder / file
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), place)


def _needed() -> dict[str, Distribution]:
    """All distributions that are needed, by name."""
    needed: dict[str, Distribution] = {}
    names = list(ROOTS)
    while names:
        name = names.pop().lower().replace("_", "-")
        if name not in needed and name not in OF_THE_SERVER:
            needed[name] = distribution(name)
            required = map(Requirement, needed[name].requires or ())
            names += [one.name for one in required if one.marker is None or one.marker.evaluate({"extra": ""})]
    return needed


def _is_kept(file: PurePosixPath) -> bool:
    if file.suffix not in (".py", ".json", ".gz", ".txt") and ".dist-info" not in str(file):
        return False
    if ".." in file.parts:
        return False
    for place, kept in KEPT.items():
        inside = file.parts[len(place) :]
        if file.parts[: len(place)] == place and len(inside) > 1 and inside[0] not in kept:
            return False
    return True
