"""nginx's configuration, as people write it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.edge.nginx_files import CONFIGURATION
from checks.formats.nginx_config import FOLDER, Site, parse, read_files, read_site

MAIN = (
    "events { worker_connections 768; }\nhttp {\n  include /etc/nginx/conf.d/*.conf;\n  include sites-enabled/*;\n}\n"
)
LAB = (Path(__file__).resolve().parents[2] / "lab" / "nginx" / "site").read_text()
LIVE = "/etc/letsencrypt/live/psytech.jp"
PAIR = ((f"{LIVE}/fullchain.pem", f"{LIVE}/privkey.pem"),)
HEALTH = "/api/v1/health"


def told(**files: str) -> str:
    """The answer to the question: the main file, and sites by name."""
    named = {"/etc/nginx/nginx.conf": MAIN} | {f"/etc/nginx/sites-enabled/{name}": one for name, one in files.items()}
    return "".join(f"{path}:{line}\n" for path, text in named.items() for line in text.splitlines())


def server(names: str, *more: str, listen: str = "443 ssl") -> str:
    pair = "ssl_certificate a.pem;\nssl_certificate_key a.key;"
    body = "\n".join(more)
    return f"server {{\nlisten {listen};\nserver_name {names};\n{pair}\n{body}\n}}\n"


def site(text: str) -> Site:
    found = read_site(told(site=text), "psytech.jp", HEALTH)
    assert found is not None
    return found


# What of it leaves the server


def on_server(folder: Path, **sites: str) -> str:
    """What the question's own script answers where nginx's folder holds the main file and these sites."""
    own = folder / "nginx"
    (own / "sites-enabled").mkdir(parents=True, exist_ok=True)
    files = {"nginx.conf": MAIN, **{f"sites-enabled/{name}": text for name, text in sites.items()}}
    for name, text in files.items():
        (own / name).write_text(text.replace(FOLDER, str(own)))
    script = CONFIGURATION.render({}).replace(FOLDER, str(own))
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.replace(str(own), FOLDER)


def judged(text: str) -> Site | str | None:
    try:
        return read_site(text, "psytech.jp", HEALTH)
    except (LookupError, ValueError):
        return "refused"


AS_WRITTEN = [
    LAB,
    server("psytech.jp", "ssl on;", listen="443"),
    server("psytech.jp", "ssl_certificate /b.pem;\nssl_certificate_key '/b c.key';"),
    server("a.jp") + server("_", "location / { proxy_pass http://b:81; }", listen="443 ssl default_server"),
    server("psytech.jp", "location / { proxy_pass http://a; } location ~ ^/api/v[0-9]+/ { proxy_pass http://b; }"),
    server("psytech.jp", "location ^~ /api/ { proxy_pass http://a; } location ~ ^/api/ { proxy_pass http://b; }"),
    server("psytech.jp", "location / { proxy_pass http://a; } location = /api/v1/health { proxy_pass https://b; }"),
    server("psytech.jp", 'location / { proxy_pass http://a; } location "/api/v1/" { proxy_pass "http://b:1/x?y"; }'),
    server("psytech.jp", "location / { proxy_pass http://a; } location ~* HEALTH$ { proxy_pass http://b; }"),
    server("psytech.jp", "location / { proxy_pass http://[::1]:8080/; if ($x = 1) { proxy_pass http://no; } }"),
    server("psytech.jp", "location / { proxy_pass http://unix:/run/x.sock; }"),
    "upstream web { zone z 64k; server 127.0.0.1:8080 weight=2; server 127.0.0.1:8081 backup; }\n"
    + server("psytech.jp", "location / { proxy_set_header X 'a;}\nb'; proxy_pass http://web; }"),
    "map $http_upgrade $connection { default upgrade; '' close; }\n" + server("psytech.jp"),
    "ssl_certificate h.pem;\nssl_certificate_key h.key;\nserver { listen 443 ssl; server_name psytech.jp; }",
    server("psytech.jp", "location / { proxy_pass http://$up; }").replace("http://$up", "$up"),
    server("psytech.jp").replace("a.pem", "/certs/$ssl_server_name.pem"),
    server("psytech.jp").replace("ssl_certificate_key a.key;", ""),
    server("~^(www\\.)?psy"),
    server("psytech.jp", "# a comment with { and ' and ;", 'log_format x "{\\"a\\": \\"$b\\"}";'),
    "",
    "server {",
    "}",
    "{ }",
    'server { listen 443 ssl; server_name "psytech.jp; }',
    "server { listen 443 ssl }",
    "include sites-enabled/site;",
    "types { a b",
]


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_what_leaves_the_server_tells_the_same_as_the_whole_files(tmp_path: Path, text: str) -> None:
    assert judged(on_server(tmp_path, site=text)) == judged(told(site=text))


SECRETS = r"""
# SECRET
map $http_x $y { default "SECRET"; ~SECRET 1; include SECRET; }
server {
  listen 443 ssl;
  server_name psytech.jp;
  ssl_certificate a.pem;
  ssl_certificate_key a.key;
  ssl_certificate_key "data:SECRET";
  set $api_token "SECRET";
  if ($http_x_token != "SECRET") { return 403; }
  auth_basic_user_file SECRET;
  more_set_headers 'X-Token: SECRET;
    SECRET';
  location /hooks/SECRET { proxy_pass http://hooks; }
  location @SECRET { proxy_pass http://hooks; }
  location = /SECRET { proxy_pass http://hooks; }
  location / {
    proxy_set_header Authorization "Basic SECRET";
    fastcgi_param SECRET SECRET;
    proxy_pass http://127.0.0.1:8080/SECRET?token=SECRET;
  }
}
"""


def test_nothing_but_the_directives_that_are_read_leaves_the_server(tmp_path: Path) -> None:
    answer = on_server(tmp_path, site=SECRETS, broken="set $x 'SECRET\nSECRET; { SECRET")
    assert "proxy_pass http://127.0.0.1:8080/" in answer
    assert "SECRET" not in answer


def test_a_file_that_nothing_includes_stays_on_the_server(tmp_path: Path) -> None:
    own = tmp_path / "nginx"
    (own / "auth").mkdir(parents=True)
    (own / "auth" / "admins").write_text("admin:$apr1$abc$SECRET\n")
    (own / "old.conf").write_text(server("SECRET"))
    (own / "sites-enabled").mkdir()
    (own / "sites-enabled" / ".hidden").write_text(server("SECRET"))
    assert "SECRET" not in on_server(tmp_path, site=LAB)


def test_a_file_whose_include_leads_out_of_the_folder_stays_there(tmp_path: Path) -> None:
    (tmp_path / "outside.conf").write_text(server("elsewhere"))
    assert "elsewhere" not in on_server(tmp_path, site=f"include {tmp_path}/outside.conf;\ninclude a$b;")


# What is made of it


def test_the_labs_own_is_read() -> None:
    assert site(LAB) == Site(443, PAIR, ("127.0.0.1:8080",))


def test_a_file_that_nothing_includes_says_nothing() -> None:
    text = told().replace("sites-enabled", "elsewhere") + "/etc/nginx/sites-available/x:server { listen 443 ssl; }\n"
    assert read_site(text, "psytech.jp", HEALTH) is None


def test_without_nginx_there_is_no_site() -> None:
    assert read_site("", "psytech.jp", HEALTH) is None
    assert read_site(told(), "psytech.jp", HEALTH) is None


def test_a_server_without_tls_is_none() -> None:
    assert read_site(told(site=server("psytech.jp", listen="80")), "psytech.jp", HEALTH) is None


@pytest.mark.parametrize(
    "listen", ["443 ssl", "[::]:443 ssl http2", "203.0.113.5:443 ssl default_server", "*:443 ssl", "8443 ssl"]
)
def test_it_listens_as_people_write_it(listen: str) -> None:
    assert site(server("psytech.jp", listen=listen)).port == (8443 if "8443" in listen else 443)


def test_tls_may_be_switched_on_for_the_whole_server() -> None:
    assert site(server("psytech.jp", "ssl on;", listen="443")).port == 443


def test_a_path_without_a_root_begins_in_nginxs_own_folder() -> None:
    assert site(server("psytech.jp")).pairs == (("/etc/nginx/a.pem", "/etc/nginx/a.key"),)


def test_keys_of_two_kinds_are_two_pairs() -> None:
    more = "ssl_certificate /b.pem;\nssl_certificate_key /b.key;"
    assert site(server("psytech.jp", more)).pairs[1] == ("/b.pem", "/b.key")


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("other.jp", "psytech.jp"), 1),
        (("other.jp", "*.jp"), 1),
        (("*.jp", "www.psytech.jp psytech.jp"), 1),
        (("other.jp", ".psytech.jp"), 1),
        (("other.jp", "third.jp"), 0),
    ],
)
def test_the_server_is_chosen_as_nginx_chooses(names: tuple[str, ...], chosen: int) -> None:
    text = "".join(server(name, f"location / {{ proxy_pass http://h{n}; }}") for n, name in enumerate(names))
    assert site(text).passes_to == (f"h{chosen}:80",)


def test_of_no_names_the_default_is_chosen() -> None:
    text = server("a.jp") + server("_", "location / { proxy_pass http://b:81; }", listen="443 ssl default_server")
    assert site(text).passes_to == ("b:81",)


def test_an_expression_for_a_name_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="expression"):
        site(server("~^(www\\.)?psy"))


@pytest.mark.parametrize(
    ("locations", "to"),
    [
        ("location / { proxy_pass http://a; } location /api/ { proxy_pass http://b; }", ("b:80",)),
        ("location / { proxy_pass http://a; } location ~ ^/api/v[0-9]+/ { proxy_pass http://b; }", ("b:80",)),
        ("location ^~ /api/ { proxy_pass http://a; } location ~ ^/api/ { proxy_pass http://b; }", ("a:80",)),
        ("location / { proxy_pass http://a; } location = /api/v1/health { proxy_pass https://b; }", ("b:443",)),
        ("location / { proxy_pass http://a; } location @down { proxy_pass http://b; }", ("a:80",)),
        ("location / { proxy_pass http://[::1]:8080/; }", ("[::1]:8080",)),
        ("location / { root /srv; }", ()),
    ],
)
def test_whom_the_paths_requests_go_to(locations: str, to: tuple[str, ...]) -> None:
    assert site(server("psytech.jp", locations)).passes_to == to


def test_an_upstream_stands_for_its_servers() -> None:
    text = "upstream web { server 127.0.0.1:8080 weight=2; server 127.0.0.1:8081 backup; }\n"
    passing = server("psytech.jp", "location / { proxy_pass http://web; }")
    assert site(text + passing).passes_to == ("127.0.0.1:8080", "127.0.0.1:8081")


@pytest.mark.parametrize(
    "text",
    [
        server("psytech.jp", "location / { proxy_pass http://$up; }").replace("http://$up", "$up"),
        server("psytech.jp").replace("a.pem", "/certs/$ssl_server_name.pem"),
        server("psytech.jp", "location ~ (unclosed { proxy_pass http://a; }"),
        server("psytech.jp").replace("ssl_certificate_key a.key;", ""),
        "server {",
        "}",
        'server { listen 443 ssl; server_name "psytech.jp; }',
        "include sites-enabled/site;",
    ],
)
def test_what_is_only_known_while_it_runs_and_what_is_broken_is_said(text: str) -> None:
    with pytest.raises((LookupError, ValueError)):
        read_site(told(site=text), "psytech.jp", HEALTH)


def test_signs_in_quotes_comments_and_variables_are_no_signs() -> None:
    (first, second) = parse('a \'x;{\' "y\\"}" z#z ${v{}; # b { c;\nd;')
    assert first.words == ("a", "x;{", 'y\\"}', "z#z", "${v{}")
    assert second.words == ("d",)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for answer in (text, told(site=text)):
        with contextlib.suppress(LookupError, ValueError, TypeError):
            read_site(answer, "psytech.jp", HEALTH)


@given(st.text(alphabet="{};\"' \n#$\\~=/.*serv 443ssl"))
def test_anything_that_looks_like_one_is_read_or_refused(text: str) -> None:
    lines = "".join(f"/etc/nginx/nginx.conf:{line}\n" for line in text.split("\n"))
    assert set(read_files(lines)) == {"/etc/nginx/nginx.conf"}
    with contextlib.suppress(LookupError, ValueError):
        read_site(lines, "psytech.jp", HEALTH)


@pytest.mark.parametrize("text", ["{ }", "a;\n}", "a }", "a { b } c;", "a { b;", "a", "a { " * 21 + "} " * 21])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"brace|middle"):
        parse(text)


def test_blocks_may_be_twenty_deep() -> None:
    assert parse("a { " * 20 + "} " * 20)


def test_a_server_that_may_stand_outside_the_folder_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match=r"it includes /srv/psyfit/\*\.conf, which is not read and may hold a server"):
        read_site(told(site=f"include /srv/psyfit/*.conf;\n{LAB}"), "psytech.jp", HEALTH)


def test_what_a_server_includes_from_elsewhere_is_no_server() -> None:
    text = LAB.replace("server_name", "include /etc/letsencrypt/options-ssl-nginx.conf; server_name", 1)
    assert site(text) == Site(443, PAIR, ("127.0.0.1:8080",))


def test_a_file_that_includes_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="include each other"):
        read_site(told(site="include sites-enabled/site;"), "psytech.jp", HEALTH)


def test_files_may_include_each_other_twenty_deep() -> None:
    def nested(deep: int) -> str:
        links = "".join(f"{FOLDER}/{n}:include {n + 1};\n" for n in range(1, deep))
        return f"{FOLDER}/nginx.conf:include 1;\n{links}{FOLDER}/{deep}:a;\n"

    assert read_site(nested(20), "psytech.jp", HEALTH) is None
    with pytest.raises(ValueError, match="include each other"):
        read_site(nested(21), "psytech.jp", HEALTH)


@pytest.mark.parametrize("more", ["include;", "listen;", "listen unix:/run/nginx.sock ssl;"])
def test_what_names_neither_a_file_nor_a_port_is_passed_over(more: str) -> None:
    assert site(server("psytech.jp", more)).port == 443


def test_the_usual_port_comes_before_another_one() -> None:
    other = server("psytech.jp", "location / { proxy_pass http://127.0.0.1:1; }", listen="8443 ssl")
    usual = server("psytech.jp", "location / { proxy_pass http://127.0.0.1:2; }")
    assert site(other + usual) == Site(443, (("/etc/nginx/a.pem", "/etc/nginx/a.key"),), ("127.0.0.1:2",))


@pytest.mark.parametrize("name", ["~psytech", "psytech.*"])
def test_a_name_that_only_nginx_can_match_is_not_guessed(name: str) -> None:
    with pytest.raises(ValueError, match="has an expression"):
        site(server(name))


def test_the_default_is_chosen_by_any_of_its_addresses() -> None:
    first = server("a.example", listen="443 ssl")
    second = server("b.example", "listen 80;", listen="443 ssl default_server").replace("a.pem", "b.pem")
    assert site(first + second).pairs[0][0] == "/etc/nginx/b.pem"


@pytest.mark.parametrize(
    ("locations", "port"),
    [
        ("location / { proxy_pass http://x:1; } location ~ health { proxy_pass http://x:2; }", 2),
        ("location / { proxy_pass http://x:1; } location ~ HEALTH { proxy_pass http://x:2; }", 1),
        ("location / { proxy_pass http://x:1; } location ~* HEALTH { proxy_pass http://x:2; }", 2),
        ("location ^~ /api { proxy_pass http://x:1; } location ~ health { proxy_pass http://x:2; }", 1),
        ("location = /api/v1/health { proxy_pass http://x:1; } location ~ health { proxy_pass http://x:2; }", 1),
        ("location / { proxy_pass http://x:1; } location @api { proxy_pass http://x:2; }", 1),
        ("location / { proxy_pass http://x:1; } location = /api { proxy_pass http://x:2; }", 1),
        ("location / { proxy_pass http://x:1; } location /other { proxy_pass http://x:2; }", 1),
    ],
)
def test_the_location_of_a_path_is_the_one_that_nginx_takes(locations: str, port: int) -> None:
    assert site(server("psytech.jp", locations)).passes_to == (f"x:{port}",)


def test_certificates_of_all_servers_hold_where_a_server_has_none() -> None:
    pair = "ssl_certificate h.pem;\nssl_certificate_key h.key;\n"
    text = told(site=pair + "server { listen 443 ssl; server_name psytech.jp; }")
    found = read_site(text, "psytech.jp", HEALTH)
    assert found is not None
    assert found.pairs == (("/etc/nginx/h.pem", "/etc/nginx/h.key"),)
