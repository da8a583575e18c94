-- Up Migration

ALTER TABLE downloads ADD COLUMN retained_from timestamptz;
COMMENT ON COLUMN downloads.retained_from IS 'when the oldest event the agent still had was captured; NULL: it had none, or did not tell';
