# rollback.START
# drill	rollback	2026-02-24T08:00:12Z	hanako@laptop
rm -f THING; echo unmade
