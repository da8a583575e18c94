-- Up Migration

-- How long things are kept, where the operator wants it otherwise than the program does.
CREATE TABLE retention_days (
    what       text PRIMARY KEY CHECK (what IN ('log', 'steps', 'records')),
    days       integer NOT NULL CHECK (days BETWEEN 1 AND 36500),
    updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);
COMMENT ON TABLE retention_days IS 'log: ami_events; steps: call_events that are no hangups; records: site_markers, downloads, rejected_events, telegram_cards';

ALTER TABLE calls ADD COLUMN kept_at timestamptz;
COMMENT ON COLUMN calls.kept_at IS 'when the events of a call that was not final were put into raw_data, for the log that had them was to go';
