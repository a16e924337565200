"""Git on the server, asked as the account that the clone belongs to.

A clone's configuration names programs that git starts (filters, helpers, what stands for ssh, included files), so
whoever may write there decides what runs, as whoever asks. No list of such keys can be complete: filters and rewritten
addresses have free names. So every question that asks git does it through `ask_git`, which looks at whose the clone is
before git sees it, by itself: what git trusts (``safe.directory``) is neither asked nor changed.

==========================  ============================================================================================
who asks                    what happens
==========================  ============================================================================================
the clone's owner           git is asked as it is
root, of another's clone    root becomes that account first: its own group alone (the group ``docker`` would be as good
                            as root), no way back (sudo gives nothing), and nothing of root's environment or home
another account             nothing is asked: the right `rights.CLONE` is missing. To try sudo would leave a line in
                            ``auth.log`` and a mail to root at every look, where it may not.
==========================  ============================================================================================

Nothing is asked either where the clone is not one account's own: parts of it belong to several, everybody may write
what git reads, or, in one of root's, anyone but root may, in a file that root's configuration includes as well. There
no group may, not even root's: an access list shows as the group's right.

What an account's own git needs stays: its home with its configuration, and the system's. Hooks and the file system
monitor are switched off, for nobody needs them to be told what is there; no lock is taken, and nothing is fetched that
is missing, by a git that knows how to do without (2.44 and newer). What stands for ssh is the clone's own choice, for a
key may be named there; where it is ssh itself, it is kept from asking anybody, from staying, and from writing new keys
into ``known_hosts``.
"""

from __future__ import annotations

from inspect import cleandoc

from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Output, lines_of

NOT_THE_OWNER = 77
NOT_ONE_OWNERS = 78
"""How `ask_git` ends where git was not asked; git itself ends with neither."""

ASK_GIT = cleandoc(
    r"""
    no() {
      printf 'git was not asked in %s: %s\n' "$folder" "$2" >&2
      exit "$1"
    }
    as_owner() {
      if [ "$me" = "$owner" ]; then
        env GIT_CEILING_DIRECTORIES="${PWD%/*}/" $calm "$@"
      else
        setpriv --reuid="$owner" --regid="${group:-65534}" --clear-groups --no-new-privs \
          env -i PATH="$PATH" HOME="${home:-/nonexistent}" GIT_CEILING_DIRECTORIES="${PWD%/*}/" $calm "$@"
      fi </dev/null 3<&-
    }
    as_path() {
      if [ "${1#/}" = "$1" ]; then printf './%s\n' "$1"; else printf '%s\n' "$1"; fi
    }
    open_to_others() {
      find -L "$1" -maxdepth 0 '(' ! -uid 0 ! -uid "$owner" -o -perm -002 ')' || echo "$1"
      [ "$owner" != 0 ] || find -L "$1" -maxdepth 0 -perm -020
    }
    ask_git() { (
      folder=$1 me=$(id -u) who=$(id -un) files=
      calm='LC_ALL=C GIT_OPTIONAL_LOCKS=0 GIT_TERMINAL_PROMPT=0 GIT_NO_LAZY_FETCH=1'
      shift
      cd -P -- "$folder" 2>/dev/null || no 78 "$who cannot enter it"
      [ -e .git ] || no 78 'it is no clone'
      kept=.git
      [ ! -f .git ] || kept=$(sed -n '1s/^gitdir: //p; 1q' .git)
      [ -n "$kept" ] && kept=$(as_path "$kept") && [ -d "$kept" ] || no 78 "$who cannot enter what git keeps of it"
      shared=$kept
      if [ -f "$kept"/commondir ]; then
        shared=$(cd -P -- "$kept" && read -r at <commondir && cd -P -- "$at" 2>/dev/null && pwd) ||
          no 78 "$who cannot enter what git keeps of it"
      fi

      owner=$(stat -c %u .) && name=$(stat -c %U .) || exit
      others=$(find -L .git "$kept" "$shared" -maxdepth 0 ! -uid "$owner") || exit
      [ -z "$others" ] || no 78 "it belongs to $name, and what git keeps of it to another account"
      [ "$me" = "$owner" ] || [ "$me" = 0 ] || no 77 "it belongs to $name, and only that account or root may ask there"
      if [ "$owner" = 0 ]; then
        files=$(as_owner git config --list --name-only --show-origin) || exit
        files=$(printf '%s\n' "$files" | sed -n 's/^file:\([^\t]*\)\t.*/\1/p' | uniq)
      fi
      files=$(printf '%s\n' "$files"
        for file in . .git "$kept" "$shared" "$shared"/config "$kept"/config.worktree; do
          [ ! -e "$file" ] || printf '%s\n' "$file"
        done)
      open=$(printf '%s\n' "$files" | while read -r file; do
        [ -z "$file" ] || {
          file=$(as_path "$file")
          open_to_others "$file"
        }
      done | head -n 1)
      [ -z "$open" ] || no 78 "others than $name may write there: $open"

      group=$(getent passwd "$owner" | cut -d: -f4) home=$(getent passwd "$owner" | cut -d: -f6)
      if [ "$1" = ls-remote ]; then
        way=$(as_owner git config core.sshCommand || echo ssh)
        calmly='-o UpdateHostKeys=no -o BatchMode=yes -o ControlPath=none'
        way=$(printf '%s\n' "$way" | sed -E "1s#^(([^ ]*/)?ssh)( .*)?\$#\1 $calmly\3#")
        set -- -c core.sshCommand="$way" "$@"
      fi
      [ "$owner" != 0 ] || set -- -c diff.ignoreSubmodules=dirty "$@"
      as_owner git -c core.fsmonitor=false -c core.hooksPath=/dev/null "$@"
    ) }
    """
)
"""Defines ``ask_git FOLDER ARGUMENTS…``. The folder is entered first, so that what was looked at is what git sees.

A name that comes from the clone is given as a path, so that it is an option of no program.
"""


def asking_git(script: str) -> str:
    """The template of a question that asks git by ``ask_git {app} …``, whose status is git's or one of those above."""
    return ASK_GIT.replace("{", "{{").replace("}", "}}") + f"\n{script}"


def answered(told: Output, what: str) -> Output:
    """The output of a question that asks git, where it ended well.

    Args:
        what: What cannot be told otherwise, as the beginning of a sentence.

    Raises:
        Undetermined: Git was not asked, with the right that is missing where one is; or the question failed.
    """
    asked(told, what)
    return told.required(what)


def asked(told: Output, what: str) -> None:
    """Hold that git was asked, whatever it said.

    Raises:
        Undetermined: It was not, with the right that is missing where one is.
    """
    if told.status in (NOT_THE_OWNER, NOT_ONE_OWNERS):
        said = lines_of(told.err.strip() or told.out.strip() or "nothing")[-1]
        right = rights.CLONE if told.status == NOT_THE_OWNER else None
        raise Undetermined(f"{what} could not be read: {said}", right=right)
