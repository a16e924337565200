"""nginx's configuration as it is read from the server: of each file only the directives that are judged here."""

from __future__ import annotations

from inspect import cleandoc

from checks.edge.health_api import HEALTH
from runbook.model import rights
from runbook.model.question import Command

CONFIGURATION = Command(
    cleandoc(
        r"""[ -d /etc/nginx ] || exit 0
    IFS='
    '
    tell() {{ awk -v file="$1" '
      function word(text, quote) {{
        if (count == 1 && name == "proxy_pass") {{
          match(text, /^[^:\/?]*(:\/\/[^\/?]*)?/)
          if (RLENGTH < length(text)) text = substr(text, 1, RLENGTH) "/"
        }}
        if (count == 1 && name ~ /^ssl_certificate/ && text ~ /^data:/) text = "$data"
        if (count == 1 && name == "include" && !dropped) {{
          whole = text ~ /^\// ? text : "/etc/nginx/" text
          if (index(whole, "/etc/nginx/") == 1 && whole !~ /[$\n]/) print "include " whole
        }}
        if (!count) name = text
        gsub(/\n/, " ", text)
        words[count++] = quote text quote
      }}
      function begins(text) {{ return index(asked, text) == 1 }}
      function wanted(  last) {{
        last = words[count - 1]
        gsub(/^["\047]|["\047]$/, "", last)
        if (name != "location") return name ~ /^(http|server|upstream)$/
        return words[1] ~ /^~\*?$/ || (words[1] == "=" ? last == asked : begins(last))
      }}
      function said(most, sign,   line, i) {{
        for (i = 0; i < count && i < most; i++) line = line words[i] " "
        print file ":" line sign
      }}
      function broken() {{ print file ":{{"; failed = 1; exit }}
      BEGIN {{
        asked = "HEALTH_PATH"; print file ":"
        or_escaped = "|[\\\\](.|\n)"; variable = "[$][{{][^}}]*[}}]"; blank = " \t\r\n\f\v"
        double = "^\"([^\"\\\\]" or_escaped ")*\""
        single = "^\047([^\047\\\\]" or_escaped ")*\047"
        bare = "^(" variable or_escaped "|[^" blank ";{{}}\"\047#])(" variable or_escaped "|[^" blank ";{{])*"
      }}
      {{ rest = rest $0 "\n" }}
      {{
        while (rest != "") {{
          first = substr(rest, 1, 1)
          if (match(rest, /^[ \t\r\n\f\v]+/) || match(rest, /^#[^\n]*/)) {{
          }} else if (first == "{{") {{
            if (!count || name == "location" && count < 2) broken()
            if (!dropped && wanted()) {{ said(3, "{{"); depth++ }} else dropped++
            count = 0; RLENGTH = 1
          }} else if (first == "}}") {{
            if (count || !(depth + dropped)) broken()
            if (dropped) dropped--
            else {{ print file ":}}"; depth-- }}
            RLENGTH = 1
          }} else if (first == ";") {{
            if (!dropped && name ~ /^(server_name|listen|ssl|ssl_certificate|ssl_certificate_key)$/) said(99, ";")
            if (!dropped && name ~ /^(server|proxy_pass|include)$/) said(2, ";")
            count = 0; RLENGTH = 1
          }} else if (first == "\"" || first == "\047") {{
            if (!match(rest, first == "\"" ? double : single)) next
            bytes = RLENGTH; word(substr(rest, 2, bytes - 2), first); RLENGTH = bytes
          }} else {{
            if (!match(rest, bare)) broken()
            bytes = RLENGTH; word(substr(rest, 1, bytes), ""); RLENGTH = bytes
          }}
          if (!count) name = ""
          rest = substr(rest, RLENGTH + 1)
        }}
      }}
      END {{ if (!failed && (rest != "" || count || depth + dropped)) print file ":{{" }}' < "$1"; }}
    found=/etc/nginx/nginx.conf; seen=
    while [ -n "$found" ]; do
      named=$found; found=
      for file in $named; do
        folder=${{file%/*}}
        [ ! -d "$folder" ] || {{ [ -r "$folder" ] && [ -x "$folder" ]; }} || {{
          echo "$folder: Permission denied" >&2
          exit 1
        }}
        [ -f "$file" ] || continue
        printf '%s\n' "$seen" | grep -qxF -e "$file" && continue
        seen="$seen$IFS$file"
        told=$(tell "$file") || exit
        printf '%s\n' "$told" | grep -v '^include '
        included=$(printf '%s\n' "$told" | sed -n 's/^include //p')
        found="$found$IFS$included"
      done
    done
    :"""
    ).replace("HEALTH_PATH", HEALTH.path),
    needs=rights.ROOT,
)
"""Each file that nginx reads of its folder, with its path before each line, and of it only the directives that are read
here: by whose name, on which port and by which certificate a server ends TLS, and whom the health check's requests go
to. Whatever else stands there may be secret, and stays on the server."""
