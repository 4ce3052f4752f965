-- What wrk sends: jobs that do nothing, of which no two have the same bytes. After its address wrk is given a word that is
-- new in each run. Prints one line of JSON at the end.

local threads = {}

function setup(thread)
    thread:set("number", #threads + 1)
    table.insert(threads, thread)
end

-- Globals, since `done` reads them from outside of the thread.
function init(args)
    word = args[1]
    made = 0
    accepted = 0
    refused = 0
    refusal = ""
    headers = { ["Content-Type"] = "application/octet-stream" }
end

function request()
    made = made + 1
    return wrk.format("POST", "/api/jobs", headers, string.format("nothing\n# %s %d %d\n", word, number, made))
end

function response(status, _, body)
    if status == 202 then
        accepted = accepted + 1
    else
        refused = refused + 1
        refusal = string.format("%d: %s", status, string.sub(body, 1, 200))
    end
end

function done(summary, latency, _)
    local total, wrong, last = 0, 0, ""
    for _, thread in ipairs(threads) do
        total = total + thread:get("accepted")
        wrong = wrong + thread:get("refused")
        if thread:get("refusal") ~= "" then last = thread:get("refusal") end
    end
    local broken = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
    print(string.format(
        '{"accepted":%d,"refused":%d,"broken":%d,"seconds":%.6f,"p50Milliseconds":%.3f,"p99Milliseconds":%.3f,"refusal":"%s"}',
        total, wrong, broken, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
        string.gsub(last, '[%c"\\]', " ")))
end
