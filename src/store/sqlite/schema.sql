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
    low_stock_told     INTEGER,                           -- the smallest of them that somebody knows to be reached
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
-- when that lease ends without keeping it; after that it is assigned for good. The key is that of a message (occurrence is
-- set) or that of a customer (shared_in is set); both for what was assigned outside a message and is the customer's current
-- voucher, and neither once another voucher took this one's place.
CREATE TABLE binding (
    id            INTEGER PRIMARY KEY,
    pool_id       INTEGER,                                -- the pool that the template names; NULL once that was deleted
    occurrence    INTEGER,                                -- the n-th call of the pool in its message; 0 for one code in all
    shared_in     TEXT,                                   -- one code for the customer in this campaign; '' for good; 'was:' and the id
                                                          -- once another voucher is the customer's current one
    voucher_id    INTEGER,                                -- NULL for a fallback code
    fallback_code TEXT,
    from_pool_id  INTEGER NOT NULL,                       -- the pool that gave: the named one, or one of its overflow chain
    lease_id      INTEGER,
    message_id    TEXT,                                   -- the message that took it; NULL once its customer is forgotten
    customer_id   TEXT,
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

-- A message whose customer is forgotten: its id is retired, and known by a part of its SHA-256 only.
CREATE TABLE forgotten (
    project_id INTEGER NOT NULL,
    digest     BLOB NOT NULL,
    PRIMARY KEY (project_id, digest)
) STRICT, WITHOUT ROWID;

-- A call of an import that added something: vouchers with neighbouring ids.
CREATE TABLE import (
    id            INTEGER PRIMARY KEY,
    pool_id       INTEGER NOT NULL,
    name          TEXT NOT NULL,                          -- the id of the import, which may have many calls
    imported_at   INTEGER NOT NULL,
    first_voucher INTEGER NOT NULL,
    last_voucher  INTEGER NOT NULL
) STRICT;
CREATE INDEX import_by_name ON import (pool_id, name);
CREATE INDEX import_by_voucher ON import (first_voucher);

-- What an event was told that wanted to use a voucher, so that it is told the same again.
CREATE TABLE redemption (
    voucher_id     INTEGER NOT NULL,
    event_id       TEXT NOT NULL,
    result         TEXT NOT NULL,                         -- redeemed, already_redeemed, expired, void, not_assigned or rule_failed
    customer_id    TEXT,                                  -- who used it, where that is known
    asked_at       INTEGER NOT NULL,
    rolled_back_at INTEGER,                               -- when its use was taken back
    PRIMARY KEY (voucher_id, event_id)
) STRICT, WITHOUT ROWID;

-- What happened to vouchers, in the order in which it happened. Ids are never used again, since readers go on behind them.
CREATE TABLE journal (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    pool_id     INTEGER NOT NULL,                         -- the pool that the vouchers came in by
    happened_at INTEGER NOT NULL,
    change      TEXT NOT NULL,                            -- imported, assigned, released, redeemed, rolled_back or voided
    vouchers    INTEGER NOT NULL,                         -- how many
    message_id  TEXT,
    customer_id TEXT,
    event_id    TEXT,
    import_id   TEXT,
    flagged     INTEGER NOT NULL CHECK (flagged IN (0, 1)),
    codes       TEXT NOT NULL                             -- with line feeds between them; none of an import
) STRICT;
CREATE INDEX journal_by_pool ON journal (pool_id);
CREATE INDEX journal_by_customer ON journal (customer_id) WHERE customer_id IS NOT NULL;

-- How many vouchers of a pool are in which state, so that nobody has to count them. expires_at is the voucher's while it is
-- available, the binding's while it is reserved or assigned, and 9223372036854775807 where nothing ends it, or it is over or
-- used for good.
CREATE TABLE pool_tally (
    pool_id    INTEGER NOT NULL,
    state      TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    vouchers   INTEGER NOT NULL,
    PRIMARY KEY (pool_id, state, expires_at)
) STRICT, WITHOUT ROWID;

-- How many bindings of live messages count for a pool's limits until when, by campaign ('' for none). What is redeemed counts
-- for good, what was ended by hand no more.
CREATE TABLE limit_tally (
    pool_id     INTEGER NOT NULL,                         -- the pool that the template names
    campaign_id TEXT NOT NULL,
    expires_at  INTEGER NOT NULL,
    bindings    INTEGER NOT NULL,
    PRIMARY KEY (pool_id, campaign_id, expires_at)
) STRICT, WITHOUT ROWID;

-- The same by the hour in which they were taken, since 1970, over all campaigns.
CREATE TABLE period_tally (
    pool_id    INTEGER NOT NULL,
    hour       INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    bindings   INTEGER NOT NULL,
    PRIMARY KEY (pool_id, hour, expires_at)
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
