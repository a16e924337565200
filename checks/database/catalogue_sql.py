"""The SQL by which a database's own catalogue is asked. Each selects, and reads no row that is a person's.

They stand between double quotes in a shell, so they have no double quote, no ``$``, no backslash and no brace. Rows
are counted by `query_to_xml`, which alone runs a statement that another one has written, and still only selects.
"""

SCHEMA = """\
WITH own_relations AS (
  SELECT c.*, c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND relpersistence <> 't'
    AND NOT EXISTS (
      SELECT FROM pg_depend WHERE objid = c.oid AND classid = 'pg_class'::regclass AND deptype = 'e'
    )
), things (kind, name, definition) AS (
  SELECT 'table', name, '' FROM own_relations WHERE relkind IN ('r', 'p')
  UNION ALL
  SELECT 'column', name || '.' || quote_ident(attname), concat_ws(
    ' ', format_type(atttypid, atttypmod),
    CASE WHEN attcollation <> typcollation THEN 'COLLATE ' || attcollation::regcollation END,
    CASE WHEN attnotnull THEN 'NOT NULL' END,
    CASE attgenerated WHEN '' THEN 'DEFAULT ' ELSE 'GENERATED ' END || pg_get_expr(adbin, adrelid),
    CASE attidentity WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY BY DEFAULT' END)
  FROM own_relations r JOIN pg_attribute ON attrelid = r.oid JOIN pg_type t ON t.oid = atttypid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT 'index', name, pg_get_indexdef(oid) || CASE WHEN indisvalid AND indisready THEN '' ELSE ' NOT VALID' END
  FROM own_relations JOIN pg_index ON indexrelid = oid
  UNION ALL
  SELECT 'constraint', name || '.' || quote_ident(conname), pg_get_constraintdef(o.oid)
  FROM own_relations r JOIN pg_constraint o ON conrelid = r.oid
  UNION ALL
  SELECT 'extension', extname, extversion FROM pg_extension
  UNION ALL
  SELECT 'view', name, pg_get_viewdef(oid) || CASE WHEN relispopulated THEN '' ELSE ' NOT POPULATED' END
  FROM own_relations WHERE relkind IN ('v', 'm')
  UNION ALL
  SELECT 'sequence', name, concat_ws(
    ' ', format_type(seqtypid, NULL), seqstart, seqincrement, seqmin, seqmax, seqcycle)
  FROM own_relations JOIN pg_sequence ON seqrelid = oid
  UNION ALL
  SELECT 'trigger', name || '.' || quote_ident(tgname), pg_get_triggerdef(g.oid) || ' ' || tgenabled::text
  FROM own_relations r JOIN pg_trigger g ON tgrelid = r.oid WHERE NOT tgisinternal
  UNION ALL
  SELECT 'function', p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid))
  FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND prokind IN ('f', 'p')
    AND NOT EXISTS (
      SELECT FROM pg_depend WHERE objid = p.oid AND classid = 'pg_proc'::regclass AND deptype = 'e'
    )
  UNION ALL
  SELECT 'type', t.oid::regtype::text, string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)
  FROM pg_type t JOIN pg_enum ON enumtypid = t.oid GROUP BY t.oid
  UNION ALL
  SELECT kind, 'of the database', value
  FROM pg_database, LATERAL (VALUES
    ('encoding', pg_encoding_to_char(encoding)::text),
    ('collation', datcollate::text),
    ('ctype', datctype::text)
  ) AS facts (kind, value)
  WHERE datname = current_database()
  UNION ALL
  SELECT 'migration', unnest(xpath('//version/text()',
    query_to_xml('SELECT version FROM schema_migrations', false, false, '')))::text, ''
  WHERE to_regclass('schema_migrations') IS NOT NULL
)
SELECT json_build_array(kind, name, definition) FROM things ORDER BY kind, name"""
"""Each thing's kind, name and definition; the names of what is in ``public`` without that."""

ROWS = """\
SELECT json_build_array(c.oid::regclass::text, (xpath('/row/rows/text()', query_to_xml(
  format('SELECT count(*) AS rows FROM %s', c.oid::regclass), false, true, '')))[1]::text)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND relpersistence <> 't' AND nspname !~ '^pg_' AND nspname <> 'information_schema'
ORDER BY c.oid::regclass::text"""
"""Each table and how many rows it has."""

SEQUENCES = """\
SELECT json_build_array(c.oid::regclass::text, (xpath('/row/behind/text()', query_to_xml(format(
  'SELECT coalesce((SELECT max(%I) FROM %s) >= last_value + is_called::int * %s, false) AS behind FROM %s',
  attname, refobjid::regclass, seqincrement, c.oid::regclass), false, true, '')))[1]::text)
FROM pg_depend d JOIN pg_class c ON c.oid = objid JOIN pg_sequence ON seqrelid = c.oid
  JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
  AND seqincrement > 0
ORDER BY c.oid::regclass::text"""
"""Each sequence of a column, and whether the next number that it would give is one that the column has already."""

SESSIONS = """\
SELECT json_build_array(
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
  (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
  (SELECT json_agg(json_build_array(
    pid, state, extract(epoch FROM clock_timestamp() - query_start),
    extract(epoch FROM clock_timestamp() - state_change), wait_event_type, wait_event, application_name,
    CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) END))
   FROM pg_stat_activity
   WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = current_database()))"""
"""How many connections there may be and are, and what each session of others does: not what it asks."""

SYSTEM = "SELECT system_identifier FROM pg_control_system()"
"""The number that tells one cluster of PostgreSQL from every other."""

TABLES = """\
SELECT nspname || '.' || relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND relpersistence <> 't' AND nspname !~ '^pg_' AND nspname <> 'information_schema'
ORDER BY 1"""
"""Each table that a dump has rows of, by schema and name without quotes."""
