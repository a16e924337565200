ALTER TABLE staff ADD COLUMN email_ciphertext bytea, ADD COLUMN email_bidx bytea;
CREATE UNIQUE INDEX index_staff_on_email_bidx ON staff (email_bidx);

CREATE TABLE accounts (
  id bigserial PRIMARY KEY,
  person_id bigint UNIQUE REFERENCES people,
  staff_id bigint UNIQUE REFERENCES staff,
  password_digest text NOT NULL,
  failed_attempts integer NOT NULL DEFAULT 0,
  locked_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(person_id, staff_id) = 1)
);

CREATE TABLE sessions (
  token_digest bytea PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  used_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX index_sessions_on_account_id ON sessions (account_id);
COMMENT ON COLUMN sessions.token_digest IS 'The token itself is with its owner alone';
