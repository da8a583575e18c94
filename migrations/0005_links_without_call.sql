-- Up Migration

-- Events may name an id before anything shows a channel: the link then waits without a call, so that they are found later.
ALTER TABLE call_links ALTER COLUMN call_id DROP NOT NULL;
