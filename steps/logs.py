"""Section 9: the logs keep their limits, and the clean-up takes nothing that is needed."""

from __future__ import annotations

from pytest_bdd import parsers, then

from checks.deploy.docker_cleanup import Reclaimable, RetainedRelease
from checks.docker.container_logs import ROTATED, KeptLog, LogOnDisk, of
from checks.docker.containers import Fleet
from runbook.model.outcome import Undetermined, require

MB = 1_000_000


@then(parsers.parse("every running web release keeps its log in {files:d} files of {size:d} MB"))
def the_releases_logs_are_rotated(kept_logs: tuple[KeptLog, ...], fleet: Fleet, files: int, size: int) -> None:
    _require_rotated(of(kept_logs, fleet.running_releases), files, size)


@then(parsers.parse("the database keeps its log in {files:d} files of {size:d} MB"))
def the_databases_log_is_rotated(kept_logs: tuple[KeptLog, ...], fleet: Fleet, files: int, size: int) -> None:
    _require_rotated(of(kept_logs, [fleet.db]), files, size)


def _require_rotated(logs: tuple[KeptLog, ...], files: int, size: int) -> None:
    wanted = (ROTATED, size * MB, files)
    others = [one for one in logs if (one.driver, one.max_bytes, one.max_files) != wanted]
    require(
        logs and not others,
        expected=f"{files} files of {size} MB, by {ROTATED}",
        actual=others or "no such container runs",
        section="9.2",
    )


@then(parsers.parse("no log file of a container is more than {slack:d} MB larger than its limit"))
def no_log_file_is_too_large(logs_on_disk: tuple[LogOnDisk, ...], slack: int) -> None:
    large = [
        f"a file of {size / MB:.0f} MB, where {one.log}"
        for one in logs_on_disk
        for size in one.sizes_bytes
        if one.log.max_bytes is not None and size > one.log.max_bytes + slack * MB
    ]
    require(
        any(one.sizes_bytes for one in logs_on_disk) and not large,
        expected="log files within their limits",
        actual=large or "no log file of any container",
        section="9.2",
    )
    _all_found(logs_on_disk)


@then("no container has more log files than its limit")
def there_are_not_too_many_log_files(logs_on_disk: tuple[LogOnDisk, ...]) -> None:
    many = [
        f"{len(one.sizes_bytes)} files, where {one.log}"
        for one in logs_on_disk
        if len(one.sizes_bytes) > one.log.max_files
    ]
    require(not many, expected="no more log files than their limits", actual=many, section="9.2")
    _all_found(logs_on_disk)


def _all_found(logs_on_disk: tuple[LogOnDisk, ...]) -> None:
    """What some logs take says nothing of one whose files were not found."""
    if unseen := [one.log.container.name for one in logs_on_disk if not one.sizes_bytes]:
        raise Undetermined(f"no file of the log of {', '.join(unseen)} was found, though it keeps one")


@then(
    parsers.parse(
        "images and build cache that no container uses take less than {limit:d} % of the Docker Engine's disk"
    )
)
def little_waits_for_the_clean_up(reclaimable: Reclaimable, limit: int) -> None:
    require(
        reclaimable.percent < limit,
        expected=f"less than {limit} %",
        actual=f"images of {reclaimable.images_bytes / MB:.0f} MB and "
        f"build cache of {reclaimable.build_cache_bytes / MB:.0f} MB, {reclaimable.percent:.0f} %",
        section="9.3",
    )


@then("the newest stopped web release exited cleanly")
def the_kept_release_ended_in_good_order(retained_release: RetainedRelease | None) -> None:
    release = retained_release.release if retained_release else None
    require(
        release and release.ended_in_order,
        expected="a release that exited cleanly as the newest of the stopped ones",
        actual=f"{release.name} ended with {release.exit_code}" if release else "no stopped web release",
        section="9.3",
    )


@then("its image still exists and is tagged")
def the_kept_releases_image_is_there(retained_release: RetainedRelease | None) -> None:
    require(
        retained_release and retained_release.image_named,
        expected="its image, with a name",
        actual=f"the image of {retained_release.release.name} is gone or nameless"
        if retained_release
        else "no stopped web release",
        section="9.3",
    )
