CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE exercises (
  id bigserial PRIMARY KEY,
  name text NOT NULL UNIQUE,
  category text NOT NULL,
  minutes integer NOT NULL CHECK (minutes > 0)
);
CREATE INDEX index_exercises_on_name_trigrams ON exercises USING gin (name gin_trgm_ops);

CREATE TABLE programs (
  id bigserial PRIMARY KEY,
  person_id bigint NOT NULL REFERENCES people,
  staff_id bigint NOT NULL REFERENCES staff,
  title text NOT NULL,
  starts_on date NOT NULL,
  weeks integer NOT NULL CHECK (weeks > 0),
  ends_on date GENERATED ALWAYS AS (starts_on + weeks * 7) STORED,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX index_programs_on_person_id ON programs (person_id);

CREATE TABLE program_exercises (
  id bigserial PRIMARY KEY,
  program_id bigint NOT NULL REFERENCES programs ON DELETE CASCADE,
  exercise_id bigint NOT NULL REFERENCES exercises,
  position integer NOT NULL,
  sets integer NOT NULL,
  repetitions integer NOT NULL,
  UNIQUE (program_id, position)
);
