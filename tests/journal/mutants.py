"""The scripts of the journal, each time with one thing left out or weakened, and the scene that falls over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runbook.drill import journal
from tests.journal import test_scenes as scenes
from tests.journal.server import Server


@dataclass(frozen=True)
class Mutant:
    """One weakening.

    Attributes:
        what: What is left out.
        script: Of which script.
        text: What stands there, once.
        other: What is to stand there.
        scene: The test that falls over it.
    """

    what: str
    script: str
    text: str
    other: str
    scene: Callable[[Server], None]

    def __str__(self) -> str:
        return f"{self.script}: {self.what}"

    def write(self, folder: Path) -> None:
        """The scripts, with this one weakened."""
        for path in Path(journal.__file__).parent.glob("*.sh"):
            text = path.read_text()
            if path.stem == self.script:
                assert text.count(self.text) == 1, f"{self}: it stands there {text.count(self.text)} times"
                text = text.replace(self.text, self.other)
            (folder / path.name).write_text(text)


MUTANTS = (
    # act.sh
    Mutant(
        "the generation is not checked",
        "act",
        '[ "$generation $phase" = "$2 " ] || refuse \'this drill has been ended, so no act of it begins\'',
        "mkdir -p journal/$2",
        scenes.test_an_act_that_woke_late_is_refused,
    ),
    Mutant(
        "the phase is not checked",
        "act",
        '[ "$generation $phase" = "$2 " ]',
        '[ "$generation" = "$2" ]',
        scenes.test_no_act_begins_while_its_drill_undoes,
    ),
    Mutant(
        "no lock",
        "act",
        "flock --shared --wait \"$patience\" 8 || refuse 'a recovery is in progress, so no act begins'\n",
        "",
        scenes.test_nothing_is_undone_while_an_act_goes_on,
    ),
    Mutant(
        "the lock is let go before the act",
        "act",
        '[ -z "$7" ] || exec 8>&-',
        "exec 8>&-",
        scenes.test_nothing_is_undone_while_an_act_goes_on,
    ),
    Mutant(
        "the lock is taken after the check",
        "act",
        """\
flock --shared --wait "$patience" 8 || refuse 'a recovery is in progress, so no act begins'
read_generation
[ "$generation $phase" = "$2 " ] || refuse 'this drill has been ended, so no act of it begins'
""",
        """\
read_generation
[ "$generation $phase" = "$2 " ] || refuse 'this drill has been ended, so no act of it begins'
flock --shared --wait "$patience" 8 || refuse 'a recovery is in progress, so no act begins'
""",
        scenes.test_an_act_that_woke_late_is_refused,
    ),
    Mutant(
        "the undo is not synced",
        "act",
        'sync "journal/$2/.$3" && ',
        "",
        scenes.test_what_was_done_is_undone_after_a_power_loss,
    ),
    Mutant(
        "the name of the undo is not synced",
        "act",
        '  sync "journal/$2" ||',
        "  true ||",
        scenes.test_what_was_done_is_undone_after_a_power_loss,
    ),
    Mutant(
        "it begins although its undo could not be written",
        "act",
        '  sync "journal/$2" || refuse',
        '  sync "journal/$2" || true',
        scenes.test_an_act_whose_undo_finds_no_room_is_not_begun,
    ),
    # heart.sh
    Mutant(
        "the generation is not checked",
        "heart",
        '  [ "$generation" = "$1" ] || refuse \'this drill has been ended by a recovery\'\n',
        "",
        scenes.test_the_heart_of_a_drill_that_was_ended_beats_no_more,
    ),
    Mutant(
        "no lock",
        "heart",
        '  flock --wait "$long" 9 || exit\n',
        "",
        scenes.test_a_heart_that_stands_still_in_a_beat_is_not_overtaken,
    ),
    Mutant(
        "it does not say that it stops",
        "heart",
        'pulse "$2" stop_beating',
        "",
        scenes.test_a_heart_that_is_told_nothing_stops_and_says_so,
    ),
    Mutant(
        "no sign that it lives",
        "heart",
        'flock --wait "$((stale + patience))" 7 || refuse "another drill holds the target\'s lock"\n',
        "",
        scenes.test_a_server_is_not_given_while_a_heart_still_has_the_lock,
    ),
    # common.sh
    Mutant(
        "a program that heeds no signal outlives its shell",
        "common",
        "ends_last=\"trap 'exit 143' TERM\"",
        "ends_last=:",
        scenes.test_an_act_whose_program_heeds_no_signal_is_ended_whole,
    ),
    Mutant(
        "a beat needs room on the disk",
        "common",
        '"$1 $this_boot $now" 1<> beat',
        '"$1 $this_boot $now" > beat.part && mv beat.part beat',
        scenes.test_a_heart_beats_on_where_the_disk_is_full,
    ),
    Mutant(
        "a beat of another boot counts",
        "common",
        ' && [ "$on" = "$(boot)" ]',
        "",
        scenes.test_no_heart_beats_after_a_restart,
    ),
    Mutant(
        "a beat of the future counts",
        "common",
        '[ "$age" -ge 0 ] && ',
        "",
        scenes.test_a_beat_of_the_future_is_none,
    ),
    Mutant(
        "the age is told by a clock that can be set",
        "common",
        "  cat /proc/uptime | {",
        "  date +%s | {",
        scenes.test_whoever_sets_the_clock_ends_no_drill_and_keeps_none_alive,
    ),
    Mutant(
        "a heart is never missed",
        "common",
        ' && [ "$age" -lt "$stale" ]',
        "",
        scenes.test_an_act_of_a_drill_that_was_ended_is_refused,
    ),
    Mutant(
        "oldest first",
        "common",
        "| sort -r)",
        "| sort)",
        scenes.test_what_was_done_last_is_undone_first_and_nothing_is_deleted,
    ),
    Mutant(
        "parts are run",
        "common",
        "/[0-9]+\\.sh'",
        "/\\.?[0-9]+\\(\\.sh\\(\\.part\\)?\\)?'",
        scenes.test_only_whole_entries_are_ever_run_although_parts_stay,
    ),
    Mutant(
        "a look that failed finds nothing",
        "common",
        "|| refuse 'the journal could not be read'",
        "|| true",
        scenes.test_what_cannot_be_looked_for_is_not_taken_for_nothing,
    ),
    # hold.sh
    Mutant(
        "a heart that beats is not checked",
        "hold",
        'beats "$generation"; then',
        "false; then",
        scenes.test_a_server_that_is_held_is_given_to_nobody_else,
    ),
    Mutant(
        "a lock that is taken is not checked",
        "hold",
        "  flock --nonblock lock true ||",
        "  true ||",
        scenes.test_a_server_is_not_given_while_a_heart_still_has_the_lock,
    ),
    Mutant(
        "what is open is not checked",
        "hold",
        '  [ "$open" -eq 0 ] || refuse',
        '  [ "$open" -eq 0 ] || echo',
        scenes.test_a_server_is_not_given_while_changes_wait_to_be_undone,
    ),
    Mutant(
        "no lock while it is taken",
        "hold",
        """\
one_at_a_time "$patience"
exec 8>> acting || exit
flock --wait "$patience" 8 || refuse 'an act of an earlier drill has not ended'
""",
        "",
        scenes.test_of_two_who_want_a_server_at_once_one_gets_it,
    ),
    Mutant(
        "whether it is free is not checked again",
        "hold",
        "an act of an earlier drill has not ended'\nrequire_free\n",
        "an act of an earlier drill has not ended'\n",
        scenes.test_of_two_who_want_a_server_at_once_one_gets_it,
    ),
    Mutant(
        "an act of the drill before is not waited for",
        "hold",
        "flock --wait \"$patience\" 8 || refuse 'an act of an earlier drill has not ended'\n",
        "",
        scenes.test_an_act_of_a_drill_that_came_and_went_meanwhile_is_waited_for_too,
    ),
    Mutant(
        "half a recover.sh is put there",
        "hold",
        "|| refuse 'recover.sh did not come whole'",
        "|| true",
        scenes.test_only_a_whole_recover_sh_is_put_on_a_server,
    ),
    Mutant(
        "recover.sh is not synced",
        "hold",
        "&& sync recover.sh.part &&",
        "&&",
        scenes.test_what_was_done_is_undone_after_a_power_loss,
    ),
    Mutant(
        "the folder's own name is not synced",
        "hold",
        "&& sync . .. ||",
        "&& sync . ||",
        scenes.test_what_was_done_is_undone_after_a_power_loss,
    ),
    Mutant(
        "the journal's folders are not synced",
        "hold",
        "&& sync journal undone interfered . ||",
        "||",
        scenes.test_what_was_done_is_undone_after_a_power_loss,
    ),
    Mutant(
        "what recover.sh says is not checked",
        "hold",
        '|| refuse "recover.sh does not run here: $said"',
        "|| true",
        scenes.test_a_recover_sh_that_does_not_run_here_keeps_a_drill_from_beginning,
    ),
    # recover.sh
    Mutant(
        "one that lives is not let be",
        "recover",
        '  beats "$generation" || break\n',
        "  break\n",
        scenes.test_whoever_sets_the_clock_ends_no_drill_and_keeps_none_alive,
    ),
    Mutant(
        "one that was ended ends another",
        "recover",
        "  [ -z \"$own\" ] || refuse 'this drill has been ended by a recovery, and another one holds the server'\n",
        "",
        scenes.test_who_was_ended_ends_no_other_drill,
    ),
    Mutant(
        "the generation is not ended first",
        "recover",
        "{ rm -f generation && sync .; }",
        "true",
        scenes.test_an_act_of_a_drill_that_was_ended_is_refused,
    ),
    Mutant(
        "the drill is not closed",
        "recover",
        'write_generation "$own closing"',
        'write_generation "$own"',
        scenes.test_no_act_begins_while_its_drill_undoes,
    ),
    Mutant(
        "an act that has begun is not waited for",
        "recover",
        'flock --wait "$longest_act" 8 || refuse',
        ": || refuse",
        scenes.test_nothing_is_undone_while_an_act_that_has_checked_is_not_yet_registered,
    ),
    Mutant(
        "a recovery in progress is refused as all else is",
        "common",
        "refuse 'a recovery is in progress on this server' 76",
        "refuse 'a recovery is in progress on this server'",
        scenes.test_only_one_undoes_at_a_time,
    ),
    Mutant(
        "two at a time",
        "recover",
        """\
one_at_a_time "$patience"
read_generation
looks=0
""",
        "read_generation\nlooks=0\n",
        scenes.test_only_one_undoes_at_a_time,
    ),
    Mutant(
        "a status alone is a finding",
        "recover",
        "3:'interfered: '*",
        "3:*",
        scenes.test_a_status_alone_is_no_finding,
    ),
    Mutant(
        "a finding counts while a newer change is open",
        "recover",
        '[ "$word" = interfered ] && [ "$failed" -gt 0 ]',
        "false",
        scenes.test_what_an_undo_finds_is_nobody_elses_while_a_newer_change_is_open,
    ),
    Mutant(
        "what failed is moved away",
        "recover",
        '[ "$word" != failed ] && ! move',
        "! move",
        scenes.test_a_status_alone_is_no_finding,
    ),
    Mutant(
        "deleted in place of moved",
        "recover",
        'mv "$1" "$to"',
        'rm "$1"',
        scenes.test_what_was_done_last_is_undone_first_and_nothing_is_deleted,
    ),
    Mutant(
        "its new place is not synced",
        "recover",
        ' && sync "${to%/*}" "$2" .',
        "",
        scenes.test_what_was_undone_stays_so_after_a_power_loss,
    ),
    Mutant(
        "the folder of its new place is not synced",
        "recover",
        'sync "${to%/*}" "$2" .',
        'sync "${to%/*}"',
        scenes.test_the_record_of_what_was_undone_stays_also_where_its_folder_is_new,
    ),
    Mutant(
        "its old place is not synced",
        "recover",
        ' && sync "${1%/*}"',
        "",
        scenes.test_what_was_undone_stays_so_after_a_power_loss,
    ),
    Mutant(
        "no last line",
        "recover",
        'echo "end: $undone undone, $interfered interfered, $failed failed"\n',
        "",
        scenes.test_what_was_done_last_is_undone_first_and_nothing_is_deleted,
    ),
    Mutant(
        "no limit for an undo",
        "recover",
        'exec timeout --kill-after="$grace" "$(limit_of "$1")" sh -c',
        "exec sh -c",
        scenes.test_an_undo_that_hangs_holds_up_no_other,
    ),
    Mutant(
        "an undo is only asked to end",
        "recover",
        'timeout --kill-after="$grace" "$(limit_of',
        'timeout "$(limit_of',
        scenes.test_an_undo_that_hangs_holds_up_no_other,
    ),
    Mutant(
        "what an undo leaves running keeps the locks",
        "recover",
        "exec 8>&- 9>&-; ",
        "",
        scenes.test_what_an_undo_leaves_running_holds_up_nothing,
    ),
    Mutant(
        "an undo whose recovery was killed has no lock",
        "recover",
        ') > "$words" 2>&1 < /dev/null',
        ') > "$words" 2>&1 < /dev/null 8>&- 9>&-',
        scenes.test_an_undo_goes_on_alone_where_its_recovery_was_killed,
    ),
    Mutant(
        "room for the words is taken for granted",
        "recover",
        "{ printf '%4096s' '' > said; } 2> /dev/null && ",
        "",
        scenes.test_it_is_undone_where_the_disk_is_full,
    ),
    Mutant(
        "it ends with its line",
        "recover",
        "trap '' HUP PIPE\n",
        "",
        scenes.test_it_is_undone_where_nobody_listens_any_more,
    ),
    Mutant(
        "it does not say that somebody else ended the drill",
        "recover",
        "echo 'ended: this drill was ended by a recovery before'",
        "true",
        scenes.test_who_was_ended_by_a_recovery_is_told_so,
    ),
    Mutant(
        "the process of a file is ended",
        "recover",
        'exec 8>> acting || exit\nflock --wait "$longest_act"',
        'kill -TERM "-$(cat holder)"\nexec 8>> acting || exit\nflock --wait "$longest_act"',
        scenes.test_nobody_elses_process_is_ended,
    ),
    Mutant(
        "an earlier version's heart is not checked",
        "recover",
        "[ -f beat ] && [ ! -s beat ] &&",
        "false &&",
        scenes.test_an_earlier_versions_drill_that_is_alive_is_let_be,
    ),
    # release.sh
    Mutant(
        "the generation is not checked",
        "release",
        '[ "$generation" = "$2" ] || exit 0\n',
        "",
        scenes.test_who_gives_the_server_back_late_takes_it_from_nobody,
    ),
)
