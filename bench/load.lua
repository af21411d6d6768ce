-- Events for wrk: `wrk -s load.lua URL -- KEY close|keep BATCH DELAY_MS`.
-- Every event has an idempotency key of its own; BATCH 0 sends single events.
local threads = 0
function setup(thread)
  thread:set("place", threads)
  threads = threads + 1
end

local models = {"gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4.1-mini", "o3"}
local sent = 0

function init(args)
  math.randomseed(os.time() * 10 + place)
  key, mode, batch, pause = args[1], args[2], tonumber(args[3]), tonumber(args[4])
  run = string.format("%08x%d", math.random(0, 2 ^ 31 - 1), place)
  headers = {["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json"}
  if mode == "close" then headers["Connection"] = "close" end
end

local function event(idempotency)
  return string.format(
    '{"provider":"openai","model":"%s","prompt_tokens":%d,"completion_tokens":%d,' ..
    '"total_tokens":null,"latency_ms":%d,"status":"success","feature":"feature-%d",' ..
    '"customer_id":"customer-%d","environment":"production","response_id":"resp_%s-%d",' ..
    '"metadata":{"team":"growth","region":"eu"}%s}',
    models[math.random(#models)], math.random(2000), math.random(500), math.random(8000),
    math.random(30), math.random(2000), run, sent, idempotency)
end

function request()
  if batch == 0 then
    sent = sent + 1
    headers["Idempotency-Key"] = run .. "-" .. sent
    return wrk.format("POST", "/api/ingest", headers, event(""))
  end
  local items = {}
  for item = 1, batch do
    sent = sent + 1
    items[item] = event(string.format(',"idempotency_key":"%s-%d"', run, sent))
  end
  return wrk.format("POST", "/api/ingest/batch", headers, "[" .. table.concat(items, ",") .. "]")
end

if tonumber(os.getenv("BENCH_DELAY_MS") or "0") > 0 then
  local most = 2 * tonumber(os.getenv("BENCH_DELAY_MS"))
  function delay() return math.random(0, most) end
end
