"""What of a crontab leaves its server: when a job runs, as whom, which scripts, and where its output goes.

Passwords, tokens and addresses of ping services stand among the words of a job, in no form that could be known
beforehand. So it is judged on the server, word by word: one that is none of these is told as ``[redacted]``, with all
signs of the shell left where they are, so that the line is still read as the shell reads it.
"""

from __future__ import annotations

MASK = "[redacted]"

PROGRAMS = (
    "[ ] ! \\! . $ - -- sh bash dash zsh su sudo env exec cd nice ionice flock timeout setsid nohup chronic test true "
    "false sleep perl echo date logger docker certbot renew certonly nginx systemctl service reload restart start stop "
    "root"
)
"""What a job may be wrapped in, and what certbot's are made of."""

SETTINGS_TOLD = "PATH BACKUP_S3_BUCKET"
"""The settings of a crontab whose values are read; of the others their names are."""

LONGEST = 4096
"""Characters of a line that are looked at word by word: cron itself takes a command of a thousand."""

REDUCED = (
    (
        r"""awk -v own={app} '
  function known(word) {{
    if (word in programs || own != "" && index(word, own "/") == 1) return 1
    if (word ~ /^([a-z0-9]+[-_.])*(nginx|certbot|kamal-proxy)([-_.][a-z0-9]+)*$/) return 1
    if (word ~ /^[0-9][0-9]?[0-9]?$/ || word ~ /^-[A-Za-z]$/ || word ~ /^-[a-z][a-z]?c$/) return 1
    if (word ~ /^--[a-z][a-z-]*$/) return 1
    if (word ~ /^[.]?[.]?\/?([A-Za-z0-9._-]+\/)*[A-Za-z0-9._-]+[.]sh$/) return 1
    return word ~ /^([$][A-Za-z_]+|~)?\/[a-z0-9_-]+(\/[A-Za-z0-9._*?@-]+)*\/?$/
  }}
  function shown(word, before) {{
    if (before == "kamal-proxy" && word ~ /^[a-z][a-z-]*$/ || known(word)) return word
    if (!match(word, /^(--[a-z][a-z-]*|[A-Za-z_][A-Za-z0-9_]*)=/)) return mask
    if (RLENGTH == length(word)) return word
    return substr(word, 1, RLENGTH) (word ~ /^-/ && known(substr(word, RLENGTH + 1)) ? substr(word, RLENGTH + 1) : mask)
  }}
  function command(text,   out, word, before, last, quote, hidden) {{
    while (text != "") {{
      if (match(text, quote == "\047" ? "^[^" signs "]+" : "^([^" signs "\\\\]|[\\\\].)+")) {{
        word = substr(text, 1, RLENGTH); text = substr(text, RLENGTH + 1)
        if (!quote && word ~ /^#/ && last ~ /^[ \t;|&()]?$/) return out
        out = out (hidden ? mask : shown(word, before))
        before = word; last = "word"
        continue
      }}
      last = (last == "word" ? before : "") substr(text, 1, 1)
      if (last ~ /["\047]$/) {{
        if (!quote) hidden = last ~ /^[A-Za-z_][A-Za-z0-9_]*=.$/
        if (!quote) quote = substr(text, 1, 1)
        else if (quote == substr(text, 1, 1)) quote = hidden = ""
      }}
      out = out (last ~ /[\\]$/ ? mask : substr(text, 1, 1))
      last = substr(text, 1, 1); text = substr(text, 2)
    }}
    return out
  }}
  function field(text,   bare) {{
    bare = tolower(text)
    gsub(/sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec/, "0", bare)
    return text ~ /^@[a-z_-]+$/ || bare ~ /^[0-9*\/,-]+$/ ? text : mask
  }}
  function setting(name, value,   bare) {{
    bare = name; gsub(/[ \t\r\f\v"\047=]/, "", bare)
    if (bare !~ /^[A-Za-z0-9_]*$/) name = mask "="
    sub(/^[ \t]+/, "", value)
    if (value ~ /^["\047]*[ \t]*["\047]*$/) return name value
    if (bare == "PATH" && value ~ /^["\047]?[A-Za-z0-9\/:._${{}}~-]*["\047]?$/) return name value
    if (index(" SETTINGS_TOLD ", " " bare " ") && value ~ /^["\047]?[a-z0-9.-]+["\047]?$/) return name value
    return name mask
  }}
  function line(text,   out, fields, rest) {{
    if (text ~ /^[ \t\r\f\v]*$/) return ""
    if (text ~ /^[ \t\r\f\v]*#/) return "#"
    if (match(text, /^[ \t\r\f\v]*("[^"]*"|\047[^\047]*\047|[^ \t\r\f\v="\047*]+)[ \t\r\f\v]*=/))
      return setting(substr(text, 1, RLENGTH), substr(text, RLENGTH + 1))
    sub(/^[ \t]+/, "", text)
    for (fields = text ~ /^@/ ? 1 : 5; fields > 0 && match(text, /^[^ \t]+/); fields--) {{
      out = out field(substr(text, 1, RLENGTH)); text = substr(text, RLENGTH + 1)
      if (match(text, /^[ \t]+/)) {{ out = out " "; text = substr(text, RLENGTH + 1) }}
    }}
    rest = ""
    if (match(text, /^%/)) {{ rest = "%"; text = "" }}
    else if (match(text, /[^\\]%/)) {{ rest = "%"; text = substr(text, 1, RSTART) }}
    return out command(text) rest
  }}
  BEGIN {{
    mask = "[redacted]"; signs = " \t\047\"`;|&<>(){{}}"
    for (i = split("PROGRAMS_KNOWN", list, " "); i > 0; i--) programs[list[i]]
  }}
  {{
    if (length($0) > LONGEST) {{ print ($0 ~ /^[ \t\r\f\v]*#/ ? "#" : mask); next }}
    ending = match($0, /(\r|[\\]r)$/) ? substr($0, RSTART) : ""
    print line(substr($0, 1, length($0) - length(ending))) ending
  }}'"""
    )
    .replace("LONGEST", str(LONGEST))
    .replace("PROGRAMS_KNOWN", PROGRAMS.replace("\\", "\\\\"))
    .replace("SETTINGS_TOLD", SETTINGS_TOLD)
)
"""Reads a crontab and writes what of it is told, line by line."""
