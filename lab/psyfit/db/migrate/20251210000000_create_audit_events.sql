CREATE TABLE audit_events (
  id bigserial PRIMARY KEY,
  request_id uuid NOT NULL UNIQUE,
  staff_id bigint REFERENCES staff,
  action text NOT NULL,
  subject_type text NOT NULL,
  subject_id bigint NOT NULL,
  details jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX index_audit_events_on_created_at ON audit_events (created_at);
CREATE INDEX index_audit_events_on_subject ON audit_events (subject_type, subject_id);
