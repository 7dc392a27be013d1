-- Another path with each request: nothing that a proxy remembers of the last one helps it.
local count = 0

request = function()
  count = count + 1
  return wrk.format("GET", "/api/chats/" .. count .. "/messages?after=" .. count % 100)
end
