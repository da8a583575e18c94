-- Up Migration

-- Times an agent was blind and is still reading of in Asterisk's own files, told by the stream's RingpostCaptureStarted:
-- until it is done, or given up waiting for, no call that ran then is final.
ALTER TABLE streams ADD COLUMN repairing jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN streams.repairing IS 'array of {seq, from, to, until}: seq of the marker, blind from and to, waited for until; epoch ms';
