-- Without a value for old rows and without a rule, so that the release before this one still runs on it.
ALTER TABLE appointments ADD COLUMN cancellation_reason text;
