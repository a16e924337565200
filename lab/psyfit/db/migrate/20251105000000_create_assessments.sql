CREATE TABLE assessments (
  id bigserial PRIMARY KEY,
  appointment_id bigint NOT NULL UNIQUE REFERENCES appointments,
  scale text NOT NULL,
  score integer NOT NULL,
  answers jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
