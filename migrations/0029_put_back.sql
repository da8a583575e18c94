-- Up Migration

ALTER TABLE sites ADD COLUMN put_back_at timestamptz;
COMMENT ON COLUMN sites.put_back_at IS 'when its agent last found that the database had been put back to an older copy: checked every minute for a while';
