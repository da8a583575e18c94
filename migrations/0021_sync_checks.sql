-- Up Migration

ALTER TABLE download_sync
    ADD COLUMN counted_to timestamptz,
    ADD COLUMN failed_rising boolean NOT NULL DEFAULT FALSE;
COMMENT ON COLUMN download_sync.failed_events_count IS 'events known to be missing at the last check: holes, and what unrepaired gaps lost';
COMMENT ON COLUMN download_sync.counted_to IS 'total_downloaded_events has everything received before';
COMMENT ON COLUMN download_sync.failed_rising IS 'failed_events_count rose with the last check';

ALTER TABLE gaps ADD COLUMN asked_at timestamptz;
COMMENT ON COLUMN gaps.asked_at IS 'when the agent was asked for this time';
