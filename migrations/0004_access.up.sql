-- Who may do what, and how much of it. The programs of 0003 go on working beside it.

-- What differs for a tenant from the gateways' settings; a tenant without a row has their bounds.
CREATE TABLE tenants (
    name             text        PRIMARY KEY CONSTRAINT tenants_name_form CHECK (name ~ '^[A-Za-z0-9._-]{1,100}$'),
    -- NULL in the next three: as the gateways' settings say.
    max_queued_jobs  integer     CONSTRAINT tenants_max_queued_jobs_not_negative CHECK (max_queued_jobs >= 0),
    max_jobs_per_day integer     CONSTRAINT tenants_max_jobs_per_day_not_negative CHECK (max_jobs_per_day >= 0),
    max_stored_bytes bigint      CONSTRAINT tenants_max_stored_bytes_not_negative CHECK (max_stored_bytes >= 0),
    created_at       timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    id                  uuid             PRIMARY KEY,
    tenant              text             NOT NULL CONSTRAINT api_keys_tenant_form CHECK (tenant ~ '^[A-Za-z0-9._-]{1,100}$'),
    -- For people; may be empty.
    name                text             NOT NULL CONSTRAINT api_keys_name_length CHECK (length(name) <= 100),
    -- The secret itself is shown once and stored nowhere.
    secret_sha256       bytea            NOT NULL CONSTRAINT api_keys_secret_length CHECK (octet_length(secret_sha256) = 32),
    scopes              text[]           NOT NULL CONSTRAINT api_keys_scopes_known
                                         CHECK (scopes <@ ARRAY['submit', 'read', 'admin'] AND cardinality(scopes) > 0),
    -- NULL: as the gateways' settings say.
    requests_per_second double precision CONSTRAINT api_keys_rate_positive CHECK (requests_per_second > 0),
    created_at          timestamptz      NOT NULL DEFAULT now(),
    expires_at          timestamptz,
    revoked_at          timestamptz,
    last_used_at        timestamptz
);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant, created_at);

-- What all gateways of one database must know and nobody else, such as the key that signs cursors.
CREATE TABLE gateway_secrets (
    name       text        PRIMARY KEY,
    secret     bytea       NOT NULL CONSTRAINT gateway_secrets_length CHECK (octet_length(secret) >= 32),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A tenant's stored bytes are a sum over this index alone.
CREATE INDEX uploads_stored ON uploads (tenant) INCLUDE (bytes) WHERE released_at IS NULL;
-- A tenant's ended jobs are counted, and its verdicts listed by label or model, along an index each.
CREATE INDEX jobs_ended_by_tenant ON jobs (tenant, state, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX verdicts_by_label ON verdicts (tenant, label, job_id DESC);
