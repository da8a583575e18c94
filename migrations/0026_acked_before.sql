-- Up Migration

-- After the database was put back to an older copy.
ALTER TABLE streams ADD COLUMN acked_before int8multirange NOT NULL DEFAULT '{}';
COMMENT ON COLUMN streams.acked_before IS 'what the agent had been acked when it found this database put back to an older copy: calls made of nothing else were told of before';
