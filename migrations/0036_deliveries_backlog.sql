-- Up Migration

-- A day without a receiver leaves millions of deliveries: what is next is found by an index, never by looking at all of them.
ALTER TABLE deliveries ADD COLUMN urgency smallint NOT NULL DEFAULT 1;
COMMENT ON COLUMN deliveries.urgency IS 'in a chat: 0 missed calls, 1 calls that begin or end and what people did, 2 what goes on meanwhile';
UPDATE deliveries d SET urgency = CASE WHEN d.event_type = 'hangup' THEN 0 ELSE 2 END
FROM calls c
WHERE c.id = d.call_id AND d.channel = 'telegram' AND d.state = 'waiting' AND (d.event_type IN ('dial', 'bridge', 'merged')
  OR (d.event_type = 'hangup' AND c.call_type = 'incoming' AND c.call_status <> 'answered'));
-- Sending changes a row twice: with room on its page that touches no index but those of what waits.
ALTER TABLE deliveries SET (fillfactor = 70);
CREATE INDEX idx_deliveries_chat ON deliveries (enterprise_id, target, urgency, created_at)
    WHERE state = 'waiting' AND channel = 'telegram';
CREATE INDEX idx_deliveries_lost ON deliveries (id) WHERE state = 'waiting' AND call_id IS NULL;
