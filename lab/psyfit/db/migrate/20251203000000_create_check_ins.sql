CREATE TABLE check_ins (
  id bigserial PRIMARY KEY,
  token text NOT NULL UNIQUE CHECK (length(token) BETWEEN 1 AND 200),
  clinic_id bigint REFERENCES clinics,
  created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN check_ins.clinic_id IS 'None when it came over the web';
