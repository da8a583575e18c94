-- Up Migration

-- What the sender of a delivery needs beside the step's identity.
ALTER TABLE deliveries
    ADD COLUMN unique_id     text,
    ADD COLUMN merged        boolean NOT NULL DEFAULT FALSE,
    ADD COLUMN claimed_until timestamptz,
    ADD COLUMN retry_since   timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP;
COMMENT ON COLUMN deliveries.unique_id IS 'the call as the receiver knows it; another than the call''s own after a merge';
COMMENT ON COLUMN deliveries.merged IS 'a hangup that only tells that this call became part of another';
COMMENT ON COLUMN deliveries.claimed_until IS 'somebody is sending it now; passed: whoever did has died';
COMMENT ON COLUMN deliveries.retry_since IS 'it is given up a day after this';
ALTER TABLE deliveries DROP CONSTRAINT deliveries_state_check,
    ADD CONSTRAINT deliveries_state_check CHECK (state IN ('waiting', 'sent', 'given_up', 'superseded'));
COMMENT ON COLUMN deliveries.state IS 'superseded: it could not be sent in time and gave way to the call''s present state';
DROP INDEX idx_deliveries_waiting;
CREATE INDEX idx_deliveries_waiting ON deliveries (enterprise_id, channel, target, created_at) WHERE state = 'waiting';
CREATE INDEX idx_deliveries_given_up ON deliveries (id) WHERE state = 'given_up';

-- An endpoint that fails again and again is left alone for a while.
CREATE TABLE delivery_circuits (
    enterprise_id text NOT NULL,
    channel       text NOT NULL,
    target        text NOT NULL,
    failures      integer NOT NULL DEFAULT 0,
    open_until    timestamptz,
    PRIMARY KEY (enterprise_id, channel, target)
);
COMMENT ON COLUMN delivery_circuits.failures IS 'in a row';
