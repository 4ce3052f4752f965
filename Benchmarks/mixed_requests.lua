-- What a gateway is asked day by day, so many requests in all. After its address wrk is given the job's path, its entity tag, and how many
-- requests each thread sends. Prints one line of JSON at the end.

local threads = {}
-- In turns of ten.
local kinds = { "poll", "unchanged", "poll", "missing", "poll", "unchanged", "poll", "list", "poll", "missing" }
local expected = { poll = 200, unchanged = 304, missing = 404, list = 200 }

function setup(thread)
    table.insert(threads, thread)
end

-- Globals, since `done` reads them from outside of the thread.
function init(args)
    local path, tag = args[1], args[2]
    most = tonumber(args[3])
    sent = 0
    answered = 0
    counts = {}
    requests = {
        poll = wrk.format("GET", path),
        unchanged = wrk.format("GET", path, { ["If-None-Match"] = tag }),
        missing = wrk.format("GET", string.sub(path, 1, -5) .. "0000"),
        list = wrk.format("GET", "/api/jobs?limit=5"),
    }
    allowed = {}
    for _, status in pairs(expected) do allowed[status] = true end
    wrong = 0
end

function request()
    sent = sent + 1
    return requests[kinds[sent % #kinds + 1]]
end

function response(status, _, _)
    answered = answered + 1
    if not allowed[status] then wrong = wrong + 1 end
    if answered >= most then wrk.thread:stop() end
end

function done(summary, _, _)
    local answers, refused = 0, 0
    for _, thread in ipairs(threads) do
        answers = answers + thread:get("answered")
        refused = refused + thread:get("wrong")
    end
    local errors = summary.errors
    print(string.format(
        '{"requests":%d,"refused":%d,"broken":%d,"seconds":%.6f}',
        answers, refused, errors.connect + errors.write + errors.timeout, summary.duration / 1e6))
end
