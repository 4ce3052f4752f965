DROP INDEX verdicts_by_label;
DROP INDEX jobs_ended_by_tenant;
DROP INDEX uploads_stored;
DROP TABLE gateway_secrets;
DROP TABLE api_keys;
DROP TABLE tenants;
