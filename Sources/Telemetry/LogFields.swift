/// Every name that log records use, in one table, so that a search for one finds all places.
public enum LogField {
    public static let job = "job_id"
    public static let tenant = "tenant"
    public static let worker = "worker_id"
    public static let epoch = "lease_epoch"
    public static let state = "state"
    public static let stage = "stage"
    public static let code = "error_code"
    public static let error = "error"
    public static let count = "count"
    public static let seconds = "seconds"
    public static let method = "http_method"
    public static let path = "http_path"
    public static let status = "http_status"
    public static let request = "request_id"
    public static let key = "key_id"
    public static let trace = "trace_id"
    public static let span = "span_id"
    public static let parentSpan = "parent_span_id"
    public static let webhook = "webhook_id"
    public static let upload = "upload_id"
}

/// What this build calls itself.
public enum WhorlVersion {
    public static let current = "0.1.0"
}
