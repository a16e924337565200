CREATE TABLE appointments (
  id bigserial PRIMARY KEY,
  reference uuid NOT NULL UNIQUE,
  person_id bigint NOT NULL REFERENCES people,
  staff_id bigint NOT NULL REFERENCES staff,
  starts_at timestamptz NOT NULL,
  duration_minutes integer NOT NULL CHECK (duration_minutes > 0),
  status text NOT NULL CHECK (status IN ('booked', 'held', 'cancelled')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX index_appointments_on_person_id ON appointments (person_id);
CREATE INDEX index_appointments_on_created_at ON appointments (created_at);
CREATE TRIGGER appointments_touch_updated_at BEFORE UPDATE ON appointments
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
