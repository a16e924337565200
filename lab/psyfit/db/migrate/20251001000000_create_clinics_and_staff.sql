CREATE TABLE clinics (
  id bigserial PRIMARY KEY,
  name text NOT NULL UNIQUE,
  city text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE staff (
  id bigserial PRIMARY KEY,
  clinic_id bigint NOT NULL REFERENCES clinics,
  display_name text NOT NULL,
  role text NOT NULL CHECK (role IN ('therapist', 'trainer', 'reception', 'manager')),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX index_staff_on_clinic_id ON staff (clinic_id);
