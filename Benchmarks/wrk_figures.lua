-- What wrk says of a run of equal requests, as one line of JSON. Without a function for each request or answer it has nothing to do but send.

function done(summary, latency, _)
    local errors = summary.errors
    print(string.format(
        '{"requests":%d,"bytes":%d,"refused":%d,"broken":%d,"seconds":%.6f,"p50Milliseconds":%.3f,"p99Milliseconds":%.3f}',
        summary.requests, summary.bytes, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
        summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
