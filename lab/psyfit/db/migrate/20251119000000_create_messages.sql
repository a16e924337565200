CREATE TABLE messages (
  id bigserial PRIMARY KEY,
  person_id bigint NOT NULL REFERENCES people,
  staff_id bigint NOT NULL REFERENCES staff,
  body_ciphertext bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX index_messages_on_person_id ON messages (person_id);
