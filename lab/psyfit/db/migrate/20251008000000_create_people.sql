CREATE TABLE people (
  id bigserial PRIMARY KEY,
  clinic_id bigint NOT NULL REFERENCES clinics,
  name_ciphertext bytea NOT NULL,
  email_ciphertext bytea NOT NULL,
  email_bidx bytea NOT NULL,
  birth_year integer NOT NULL CHECK (birth_year BETWEEN 1900 AND 2100),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX index_people_on_email_bidx ON people (email_bidx);
CREATE INDEX index_people_on_clinic_id ON people (clinic_id);

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;
CREATE TRIGGER people_touch_updated_at BEFORE UPDATE ON people
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
