-- The tables of a Tearoff store.
--
-- Times are integers: milliseconds since 1970-01-01T00:00:00Z. The view "inventory" shows them as text.
-- Read whatever you like. Change rows only through the program: it keeps the tallies in step.

-- A namespace. A code is unique in its project, over all pools.
CREATE TABLE project (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- A named stock of vouchers with its settings.
CREATE TABLE pool (
    id                 INTEGER PRIMARY KEY,
    project_id         INTEGER NOT NULL REFERENCES project (id),
    name               TEXT NOT NULL,
    valid_for          INTEGER,                           -- milliseconds that a voucher is valid once it is taken
    expires_at         INTEGER,                           -- when every voucher of the pool stops being valid
    limit_per_customer INTEGER,
    limit_per_campaign INTEGER,
    limit_total        INTEGER,
    fallback_code      TEXT,                              -- given to everybody once the overflow chain is empty
    overflow_pool_id   INTEGER REFERENCES pool (id),      -- taken from once this pool is empty
    preview_code       TEXT,
    paused             INTEGER NOT NULL CHECK (paused IN (0, 1)),
    limit_in_period    TEXT,                              -- such as 10000/day
    eligible           TEXT,                              -- an expression: who may get a voucher
    floor              INTEGER NOT NULL,                  -- how many vouchers web layers leave to campaigns
    low_stock          TEXT,                              -- thresholds, the largest first, with commas
    pattern            TEXT,                              -- how codes are made where the stock is not enough
    redeem_rule        TEXT,                              -- an expression: when a voucher may be used
    redeem_by_others   TEXT,                              -- allow, flag or refuse
    UNIQUE (project_id, name)
) STRICT;

-- A code. Ids are given in shuffled order at the import and vouchers are handed out by id, so that neighbours in time are
-- neighbours in the file.
CREATE TABLE voucher (
    id         INTEGER PRIMARY KEY,
    project_id INTEGER NOT NULL,                          -- that of its pool
    pool_id    INTEGER NOT NULL REFERENCES pool (id),
    code       TEXT NOT NULL,
    expires_at INTEGER,                                   -- as imported; the pool and the binding may end it earlier
    metadata   TEXT,                                      -- a JSON object: the other columns of the import
    binding_id INTEGER,                                   -- who has it; available while this is NULL
    void_at    INTEGER,                                   -- when it was ended by hand
    UNIQUE (project_id, code)
) STRICT;
CREATE INDEX voucher_available ON voucher (pool_id, expires_at) WHERE binding_id IS NULL AND void_at IS NULL;
CREATE INDEX voucher_by_pool ON voucher (pool_id);

-- A claim's key and what is bound to it: a voucher, or a fallback code. It is reserved while lease_id is set, and goes back
-- when that lease ends without keeping it; after that it is assigned for good. The key is either that of a message
-- (occurrence is set) or that of a customer (shared_in is set), and neither once another voucher took this one's place.
CREATE TABLE binding (
    id            INTEGER PRIMARY KEY,
    pool_id       INTEGER NOT NULL,                       -- the pool that the template names
    occurrence    INTEGER,                                -- the n-th call of the pool in its message; 0 for one code in all
    shared_in     TEXT,                                   -- one code for the customer in this campaign; '' for good
    voucher_id    INTEGER,                                -- NULL for a fallback code
    fallback_code TEXT,
    from_pool_id  INTEGER NOT NULL,                       -- the pool that gave: the named one, or one of its overflow chain
    lease_id      INTEGER,
    message_id    TEXT NOT NULL,                          -- the message that took it
    customer_id   TEXT NOT NULL,
    campaign_id   TEXT,
    channel       TEXT NOT NULL,
    mode          TEXT NOT NULL,                          -- live or test
    assigned_at   INTEGER NOT NULL,                       -- when it was taken from its pool
    expires_at    INTEGER,                                -- when it stops being valid, fixed when it was taken
    redeemed_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX binding_of_message ON binding (message_id, pool_id, mode, occurrence) WHERE occurrence IS NOT NULL;
CREATE UNIQUE INDEX binding_of_customer ON binding (customer_id, pool_id, mode, shared_in) WHERE shared_in IS NOT NULL;
CREATE INDEX binding_by_lease ON binding (lease_id) WHERE lease_id IS NOT NULL;
CREATE INDEX binding_by_customer ON binding (customer_id);

-- One attempt at one batch of messages that may hold reservations. Anyone gives them back once it has expired.
CREATE TABLE lease (
    id         INTEGER PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;

-- A message that was accepted for delivery without a code under its own id, or retired. Its id is bound to its customer and
-- mode. What is assigned under a message's own id tells as much, so that most messages have no row here.
CREATE TABLE message (
    project_id  INTEGER NOT NULL,
    id          TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    mode        TEXT NOT NULL,
    retired_at  INTEGER,                                  -- when it was released by hand
    PRIMARY KEY (project_id, id)
) STRICT, WITHOUT ROWID;

-- How many vouchers of a pool are in which state, so that nobody has to count them. expires_at is the voucher's while it is
-- available, the binding's while it is reserved or assigned, and 9223372036854775807 where nothing ends it.
CREATE TABLE pool_tally (
    pool_id    INTEGER NOT NULL,
    state      TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    vouchers   INTEGER NOT NULL,
    PRIMARY KEY (pool_id, state, expires_at)
) STRICT, WITHOUT ROWID;

-- How many bindings of live messages count for a pool's limits, by campaign ('' for none).
CREATE TABLE limit_tally (
    pool_id     INTEGER NOT NULL,                         -- the pool that the template names
    campaign_id TEXT NOT NULL,
    expires_at  INTEGER NOT NULL,
    bindings    INTEGER NOT NULL,
    PRIMARY KEY (pool_id, campaign_id, expires_at)
) STRICT, WITHOUT ROWID;

-- Every voucher as it stands now, for reading.
CREATE VIEW inventory AS
WITH moment AS (SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now),
held AS (
    SELECT binding.* FROM binding LEFT JOIN lease ON lease.id = binding.lease_id, moment
    WHERE binding.lease_id IS NULL OR lease.expires_at > moment.now
),
standing AS (
    SELECT project.name AS project, pool.name AS pool, voucher.code, voucher.metadata, voucher.void_at, held.*,
        CASE WHEN held.id IS NOT NULL THEN held.expires_at
             ELSE nullif(min(ifnull(voucher.expires_at, 9223372036854775807), ifnull(pool.expires_at, 9223372036854775807)),
                         9223372036854775807)
        END AS ends_at
    FROM voucher
    JOIN pool ON pool.id = voucher.pool_id
    JOIN project ON project.id = pool.project_id
    LEFT JOIN held ON held.id = voucher.binding_id
)
SELECT project, pool, code,
    CASE WHEN redeemed_at IS NOT NULL THEN 'redeemed'
         WHEN void_at IS NOT NULL THEN 'void'
         WHEN ends_at <= (SELECT now FROM moment) THEN 'expired'
         WHEN id IS NULL THEN 'available'
         WHEN lease_id IS NOT NULL THEN 'reserved'
         ELSE 'assigned'
    END AS state,
    customer_id, campaign_id, message_id, channel, mode,
    strftime('%Y-%m-%dT%H:%M:%fZ', assigned_at / 1000.0, 'unixepoch') AS assigned_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', ends_at / 1000.0, 'unixepoch') AS expires_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', redeemed_at / 1000.0, 'unixepoch') AS redeemed_at,
    metadata
FROM standing;
