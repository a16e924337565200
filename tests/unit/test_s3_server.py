"""What the lab's S3 server is made of: this environment's own packages, what is pure Python and speaks S3."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from lab import s3_server


def test_an_image_of_other_versions_is_another_image() -> None:
    assert f"moto=={version('moto')}" in s3_server.made_from()
    assert f"botocore=={version('botocore')}" in s3_server.made_from()


def test_only_what_speaks_s3_and_runs_on_any_python_is_taken(tmp_path: Path) -> None:
    s3_server.copy_into(tmp_path)
    assert (tmp_path / "moto" / "s3" / "models.py").is_file()
    assert (tmp_path / "botocore" / "data" / "endpoints.json").is_file()
    assert {path.name for path in (tmp_path / "botocore" / "data").iterdir() if path.is_dir()} == {"iam", "s3", "sts"}
    assert not (tmp_path / "moto" / "ec2").exists()
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".so", ".pyc")]
