DROP TRIGGER jobs_notify_webhooks_at_birth ON jobs;
DROP TRIGGER jobs_notify_webhooks ON jobs;
DROP FUNCTION jobs_notify_webhooks();
DROP FUNCTION uuidv7();
DROP TABLE webhook_deliveries;
DROP TABLE webhook_endpoints;
