"""PostgreSQL and Redis: schema, sessions, migrations, who may log in."""
