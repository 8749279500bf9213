-- Copies of requests, as plainsail has HAProxy send them (see mirror.py, which writes what calls this).
--
-- A copy is sent in a task of its own, so its request does not wait for it. It goes through the section `_copies` of this
-- very HAProxy, which takes down what is to be compared, cuts long answers off, and ends what takes too long: what comes
-- back to us is a few headers, whatever the instance answers. Whoever of copy and live is the second to be over compares.

local MOST = 64          -- copies under way at a time; the next ones are dropped and counted
local LEAST_WITHIN = 1000000  -- microseconds that a copy is given at least
local FORGET = 300       -- seconds after which live will not answer any more, whatever it does
local REMEMBERED = 4096  -- pairs without live's answer, at most
local OURS = "plainsail-copy"

-- RFC 9110, 7.6.1; and what is said anew of the copy: how long it is, and whose it is. What `Connection` names besides is
-- copied, since live gets it too: else any user could take `Host` or `Authorization` off the copy, and fail the release.
local OWN = {
  ["connection"] = true, ["keep-alive"] = true, ["proxy-connection"] = true, ["proxy-authenticate"] = true,
  ["proxy-authorization"] = true, ["te"] = true, ["trailer"] = true, ["transfer-encoding"] = true,
  ["upgrade"] = true, ["http2-settings"] = true, ["expect"] = true, ["content-length"] = true,
  ["x-forwarded-for"] = true,
}
local NAMES = {
  "asked", "answered", "dropped", "pairs", "failures", "slow", "live_failures", "live_slow", "classes", "statuses",
  "compared", "bodies", "differing",
}

local tallies = {}  -- by service: its group, and what is counted of that
local open = {}     -- pairs by number, as long as live has not answered
local kept, number, under_way, swept_at = 0, 0, 0, 0

local function microseconds()
  local now = core.now()
  return now.sec * 1000000 + now.usec
end

local function tally_of(service, group)
  local found = tallies[service]
  if not found or found.group ~= group then
    found = { group = group }
    for _, name in ipairs(NAMES) do found[name] = 0 end
    tallies[service] = found
  end
  return found
end

local function count(tally, name, holds)
  if holds then tally[name] = tally[name] + 1 end
end

local function compare(pair)
  local tally, live, copy = pair.tally, pair.live, pair.copy
  local other = live.status ~= copy.status
  local known = copy.status > 0 and live.body ~= nil and copy.body ~= nil
  local apart = known and live.body ~= copy.body
  tally.pairs = tally.pairs + 1
  count(tally, "failures", copy.status == 0 or copy.status >= 500)
  count(tally, "slow", copy.took > pair.bound)
  count(tally, "live_failures", live.status >= 500)
  count(tally, "live_slow", live.took > pair.bound)
  count(tally, "classes", live.status // 100 ~= copy.status // 100)
  count(tally, "statuses", other)
  count(tally, "compared", known)
  count(tally, "bodies", apart)
  count(tally, "differing", other or apart)
end

-- A body as both sides tell of it: its length, and a hash if it was short enough to be looked at; nil: not known.
local function body(length, hash)
  if length == nil or length == "" or length == "-" then return nil end
  return tostring(length) .. ":" .. tostring(hash or "")
end

local function header(answer, name)
  local found = answer and answer.headers and answer.headers[OURS .. "-" .. name]
  return found and (found[0] or found[1])
end

-- Once a second at most: with a live that never answers there are many to look at.
local function forget_old()
  local now = microseconds()
  if now < swept_at + 1000000 then return end
  swept_at = now
  for key, pair in pairs(open) do
    if now > pair.until_ then open[key], kept = nil, kept - 1 end
  end
end

local function send(pair, request)
  local began = microseconds()
  local client = core.httpclient()
  local call = request.body and client.post or client.get
  local fine, answer = pcall(call, client, request)
  under_way = under_way - 1
  local status = fine and tonumber(header(answer, "status")) or 0
  pair.copy = { status = status, took = microseconds() - began }
  if status > 0 then
    pair.tally.answered = pair.tally.answered + 1
    pair.copy.took = tonumber(header(answer, "took")) or pair.copy.took
    pair.copy.body = body(header(answer, "length"), header(answer, "hash"))
  end
  if pair.live then compare(pair) end
end

-- All that the user sent, and what says that it is a copy, of whose request, and where it is to go.
local function headers_of(txn, given, within)
  local found = {}
  for name, values in pairs(given) do
    if not OWN[name] and name:sub(1, #OURS) ~= OURS then
      local list = {}
      local at = values[0] ~= nil and 0 or 1
      while values[at] ~= nil do
        list[#list + 1] = values[at]
        at = at + 1
      end
      found[name] = list
    end
  end
  local through = {}
  for _, value in pairs(given["x-forwarded-for"] or {}) do through[#through + 1] = value end
  local from = txn.sf:src()
  if from ~= "" then through[#through + 1] = tostring(from) end
  if #through > 0 then found["x-forwarded-for"] = { table.concat(through, ", ") } end
  local host, port = txn:get_var("txn.copy_to"):match("^%[?(.-)%]?:(%d+)$")
  local lacks = (given["accept"] and "" or "accept ") .. (given["user-agent"] and "" or "user-agent")
  found[OURS .. "-host"], found[OURS .. "-port"] = { host }, { port }
  found[OURS .. "-within"] = { tostring(within // 1000) }
  found[OURS .. "-method"] = { txn.sf:method() }
  if lacks ~= "" then found[OURS .. "-lacks"] = { lacks } end
  return found
end

-- The whole body, and whether that is what the request says; HAProxy waits for no more than its buffer has room for.
local function body_of(txn, given)
  if not txn:get_var("txn.copy_body") then return nil, true end
  local sent, length = txn.f:req_body(), given["content-length"]
  return sent, sent ~= nil and length ~= nil and #sent == tonumber(length[0] or length[1])
end

-- Called for each request that is to be copied.
local function copy(txn, service)
  local tally = tally_of(service, txn:get_var("txn.copy_for"))
  local given, sent, whole
  if under_way < MOST and not txn:get_var("txn.copy_long") then  -- what is dropped costs little
    given = txn.http:req_get_headers()
    sent, whole = body_of(txn, given)
  end
  if not whole then
    tally.dropped = tally.dropped + 1
    return
  end
  if kept >= REMEMBERED then forget_old() end
  if kept >= REMEMBERED then
    tally.dropped = tally.dropped + 1
    return
  end
  local bound = tonumber(txn:get_var("txn.slow")) or LEAST_WITHIN
  local within = math.max(LEAST_WITHIN, 2 * bound)
  local headers = headers_of(txn, given, within)
  if given["content-length"] then headers["content-length"] = { tostring(sent and #sent or 0) } end
  local request = {
    url = "http://127.0.0.1" .. txn.sf:pathq(), dst = "unix@copies.sock", headers = headers, body = sent,
    timeout = within // 1000 + 3000,
  }
  number = number + 1
  local pair = { tally = tally, bound = bound, until_ = microseconds() + FORGET * 1000000 }
  open[number], kept = pair, kept + 1
  txn:set_var("txn.pair", number)
  tally.asked, under_way = tally.asked + 1, under_way + 1
  core.register_task(function() send(pair, request) end)
end

-- Called when live's answer to such a request has come.
local function answered(txn)
  local key = txn:get_var("txn.pair")
  local pair = open[key]
  if not pair then return end
  open[key], kept = nil, kept - 1
  pair.live = {
    status = tonumber(txn.sf:status()) or 0,
    took = tonumber(txn:get_var("txn.copy_took")) or 0,
    body = body(txn:get_var("txn.copy_len"), txn:get_var("txn.copy_hash")),
  }
  if pair.copy then compare(pair) end
end

-- `show copies SERVICE`: the group and its counts, in the order of NAMES.
local function tell(applet, ...)
  local words = { ... }
  local found = tallies[words[#words]]
  if not found then return end
  local line = { found.group }
  for _, name in ipairs(NAMES) do line[#line + 1] = tostring(found[name]) end
  applet:send(table.concat(line, " ") .. "\n")
end

core.register_action("plainsail_copy", { "http-req" }, copy, 1)
core.register_action("plainsail_answered", { "http-res" }, answered)
core.register_cli({ "show", "copies" }, "show copies SERVICE : what came of copied requests", tell)
