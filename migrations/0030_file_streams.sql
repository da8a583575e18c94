-- Up Migration

-- A stream is an outbox, or one of Asterisk's own CDR and CEL files: there a seq is a rowid or a byte offset, so most seqs
-- name nothing, and whatever looks for holes leaves it out.
ALTER TABLE streams DROP CONSTRAINT streams_kind_check;
ALTER TABLE streams ADD CONSTRAINT streams_kind_check CHECK (kind IN ('outbox', 'file'));
COMMENT ON COLUMN streams.received IS 'seqs committed; of a file: the parts of it that were read';
