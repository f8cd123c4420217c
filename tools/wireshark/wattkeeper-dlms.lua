-- SPDX-License-Identifier: Apache-2.0
--
-- Wireshark: DLMS/COSEM on TCP and UDP, as wrapper (port 4059) and as HDLC over TCP ("Decode As").
-- Put it into the folder of personal Lua plugins, or: wireshark -X lua_script:FILE
--
-- Shown are frames, APDUs, associations, services with class, name and attribute, types and values
-- of data; of protected APDUs the security header. Deciphering is for "wk decode".

local apdus = {
    [0x01] = "initiate-request", [0x08] = "initiate-response",
    [0x0E] = "confirmed-service-error", [0x0F] = "data-notification",
    [0x10] = "data-notification-confirm", [0x21] = "glo-initiate-request",
    [0x28] = "glo-initiate-response", [0x2E] = "glo-confirmed-service-error", [0x60] = "aarq",
    [0x61] = "aare", [0x62] = "rlrq", [0x63] = "rlre", [0xC0] = "get-request",
    [0xC1] = "set-request", [0xC2] = "event-notification-request", [0xC3] = "action-request",
    [0xC4] = "get-response", [0xC5] = "set-response", [0xC7] = "action-response",
    [0xC8] = "glo-get-request", [0xC9] = "glo-set-request", [0xCB] = "glo-action-request",
    [0xCC] = "glo-get-response", [0xCD] = "glo-set-response", [0xCF] = "glo-action-response",
    [0xD0] = "ded-get-request", [0xD1] = "ded-set-request", [0xD3] = "ded-action-request",
    [0xD4] = "ded-get-response", [0xD5] = "ded-set-response", [0xD7] = "ded-action-response",
    [0xD8] = "exception-response", [0xD9] = "access-request", [0xDA] = "access-response",
    [0xDB] = "general-glo-ciphering", [0xDC] = "general-ded-ciphering",
    [0xDD] = "general-ciphering", [0xDF] = "general-signing", [0xE0] = "general-block-transfer" }
local results = {
    [0] = "success", [1] = "hardware-fault", [2] = "temporary-failure", [3] = "read-write-denied",
    [4] = "object-undefined", [9] = "object-class-inconsistent", [11] = "object-unavailable",
    [12] = "type-unmatched", [13] = "scope-of-access-violated", [14] = "data-block-unavailable",
    [15] = "long-get-aborted", [16] = "no-long-get-in-progress", [17] = "long-set-aborted",
    [18] = "no-long-set-in-progress", [19] = "data-block-number-invalid", [250] = "other-reason" }
local types = {
    [0] = "null-data", [1] = "array", [2] = "structure", [3] = "boolean", [4] = "bit-string",
    [5] = "double-long", [6] = "double-long-unsigned", [9] = "octet-string",
    [10] = "visible-string", [12] = "utf8-string", [13] = "bcd", [15] = "integer", [16] = "long",
    [17] = "unsigned", [18] = "long-unsigned", [19] = "compact-array", [20] = "long64",
    [21] = "long64-unsigned", [22] = "enum", [23] = "float32", [24] = "float64",
    [25] = "date-time", [26] = "date", [27] = "time", [255] = "dont-care" }
local sizes = { [0] = 0, [3] = 1, [5] = 4, [6] = 4, [13] = 1, [15] = 1, [16] = 2, [17] = 1,
    [18] = 2, [20] = 8, [21] = 8, [22] = 1, [23] = 4, [24] = 8, [25] = 12, [26] = 5, [27] = 4,
    [255] = 0 }
local signed = { [5] = true, [15] = true, [16] = true, [20] = true }
local frames = { [0x83] = "SNRM", [0x43] = "DISC", [0x63] = "UA", [0x0F] = "DM", [0x87] = "FRMR",
    [0x03] = "UI" }

local dlms = Proto("wkdlms", "DLMS/COSEM")
local f = {
    source = ProtoField.uint16("wkdlms.source", "Source"),
    destination = ProtoField.uint16("wkdlms.destination", "Destination"),
    length = ProtoField.uint16("wkdlms.length", "Length"),
    control = ProtoField.string("wkdlms.hdlc.control", "HDLC control"),
    segmented = ProtoField.bool("wkdlms.hdlc.segmented", "HDLC segment"),
    apdu = ProtoField.uint8("wkdlms.apdu", "APDU", base.HEX, apdus),
    choice = ProtoField.uint8("wkdlms.choice", "Choice"),
    invoke = ProtoField.uint8("wkdlms.invoke", "Invoke id and priority", base.HEX),
    class = ProtoField.uint16("wkdlms.class", "Class"),
    obis = ProtoField.string("wkdlms.obis", "Logical name"),
    id = ProtoField.uint8("wkdlms.id", "Attribute or method"),
    result = ProtoField.uint8("wkdlms.result", "Result", base.DEC, results),
    block = ProtoField.uint32("wkdlms.block", "Block number"),
    last = ProtoField.bool("wkdlms.last", "Last block"),
    type = ProtoField.uint8("wkdlms.type", "Type", base.DEC, types),
    value = ProtoField.string("wkdlms.value", "Value"),
    title = ProtoField.bytes("wkdlms.title", "System title"),
    security = ProtoField.uint8("wkdlms.security", "Security control", base.HEX),
    counter = ProtoField.uint32("wkdlms.counter", "Invocation counter"),
    text = ProtoField.bytes("wkdlms.text", "Protected text"),
    field = ProtoField.bytes("wkdlms.field", "Association field"),
    octets = ProtoField.bytes("wkdlms.octets", "Octets") }
dlms.fields = f
local malformed = ProtoExpert.new("wkdlms.malformed", "Malformed", expert.group.MALFORMED,
    expert.severity.ERROR)
dlms.experts = { malformed }

-- A length of A-XDR or BER: the number, and where it ends.
local function length_at(b, at)
    local first = b(at, 1):uint()
    if first < 0x80 then return first, at + 1 end
    local n = first - 0x80
    if n < 1 or n > 4 then error("length") end
    return b(at + 1, n):uint(), at + 1 + n
end

local function obis_text(r)
    local parts = {}
    for i = 0, 5 do parts[i + 1] = tostring(r(i, 1):uint()) end
    return table.concat(parts, ".")
end

-- One value of data; where it ends.
local function put_data(b, at, tree, depth)
    if depth > 16 then error("nested too deep") end
    local tag = b(at, 1):uint()
    if types[tag] == nil or tag == 19 then error("type") end
    local begin, size = at, sizes[tag]
    at = at + 1
    if tag == 1 or tag == 2 then
        local count
        count, at = length_at(b, at)
        local group = tree:add(f.type, b(begin, 1))
        group:append_text(" of " .. count)
        for _ = 1, count do at = put_data(b, at, group, depth + 1) end
        return at
    end
    if size == nil then
        size, at = length_at(b, at)
        if tag == 4 then size = math.floor((size + 7) / 8) end
    end
    local item = tree:add(f.type, b(begin, 1))
    if size > 0 then
        local r = b(at, size)
        local text
        if tag == 10 or tag == 12 then text = r:string()
        elseif tag == 20 then text = tostring(r:int64())
        elseif tag == 21 then text = tostring(r:uint64())
        elseif signed[tag] then text = tostring(r:int())
        elseif tag == 23 or tag == 24 then text = tostring(r:float())
        elseif size <= 4 and sizes[tag] and tag < 25 then text = tostring(r:uint())
        else text = r:bytes():tohex() end
        item:add(f.value, r, text)
        item:append_text(" " .. text)
    end
    return at + size
end

local function put_target(b, at, tree, selectable)
    tree:add(f.class, b(at, 2))
    tree:add(f.obis, b(at + 2, 6), obis_text(b(at + 2, 6)))
    tree:add(f.id, b(at + 8, 1))
    at = at + 9
    if selectable then
        local selective = b(at, 1):uint()
        at = at + 1
        if selective ~= 0 then at = put_data(b, at + 1, tree, 0) end
    end
    return at
end

local function put_result(b, at, tree)
    if b(at, 1):uint() == 0 then return put_data(b, at + 1, tree, 0) end
    tree:add(f.result, b(at + 1, 1))
    return at + 2
end

local function put_action(b, at, tree)
    tree:add(f.result, b(at, 1))
    if b(at + 1, 1):uint() == 0 then return at + 2 end
    return put_result(b, at + 2, tree)
end

local function put_code(b, at, tree)
    tree:add(f.result, b(at, 1))
    return at + 1
end

local function put_plain(b, at, tree) return put_data(b, at, tree, 0) end
local function put_attribute(b, at, tree) return put_target(b, at, tree, true) end
local function put_method(b, at, tree) return put_target(b, at, tree, false) end

local function put_list(b, at, tree, one)
    local count
    count, at = length_at(b, at)
    for _ = 1, count do at = one(b, at, tree) end
    return at
end

local function put_number(b, at, tree)
    tree:add(f.block, b(at, 4))
    return at + 4
end

local function put_raw(b, at, tree)
    local size
    size, at = length_at(b, at)
    if size > 0 then tree:add(f.octets, b(at, size)) end
    return at + size
end

local function put_block(b, at, tree)
    tree:add(f.last, b(at, 1))
    return put_raw(b, put_number(b, at + 1, tree), tree)
end

-- Behind choice and invoke-id-and-priority.
local services = {
    [0xC001] = put_attribute, [0xC002] = put_number,
    [0xC003] = function(b, at, t) return put_list(b, at, t, put_attribute) end,
    [0xC101] = function(b, at, t) return put_plain(b, put_attribute(b, at, t), t) end,
    [0xC102] = function(b, at, t) return put_block(b, put_attribute(b, at, t), t) end,
    [0xC103] = put_block,
    [0xC104] = function(b, at, t)
        return put_list(b, put_list(b, at, t, put_attribute), t, put_plain)
    end,
    [0xC301] = function(b, at, t)
        at = put_method(b, at, t)
        if b(at, 1):uint() == 0 then return at + 1 end
        return put_plain(b, at + 1, t)
    end,
    [0xC302] = put_number, [0xC306] = put_block,
    [0xC303] = function(b, at, t)
        return put_list(b, put_list(b, at, t, put_method), t, put_plain)
    end,
    [0xC304] = function(b, at, t) return put_block(b, put_method(b, at, t), t) end,
    [0xC401] = put_result,
    [0xC402] = function(b, at, t)
        t:add(f.last, b(at, 1))
        at = put_number(b, at + 1, t)
        if b(at, 1):uint() == 0 then return put_raw(b, at + 1, t) end
        return put_code(b, at + 1, t)
    end,
    [0xC403] = function(b, at, t) return put_list(b, at, t, put_result) end,
    [0xC501] = put_code, [0xC502] = put_number,
    [0xC503] = function(b, at, t) return put_number(b, put_code(b, at, t), t) end,
    [0xC505] = function(b, at, t) return put_list(b, at, t, put_code) end,
    [0xC701] = put_action, [0xC702] = put_block,
    [0xC703] = function(b, at, t) return put_list(b, at, t, put_action) end,
    [0xC704] = put_number }

local function put_protected(b, tag, tree)
    local at = 1
    if tag == 0xDB or tag == 0xDC then
        local size
        size, at = length_at(b, at)
        tree:add(f.title, b(at, size))
        at = at + size
    end
    local _
    _, at = length_at(b, at)
    tree:add(f.security, b(at, 1))
    tree:add(f.counter, b(at + 1, 4))
    at = at + 5
    if at < b:len() then tree:add(f.text, b(at)) end
    return b:len()
end

local function put_association(b, tree)
    local size, at = length_at(b, 1)
    local last = at + size
    while at < last do
        local begin = at
        size, at = length_at(b, at + 1)
        tree:add(f.field, b(begin, at + size - begin))
        at = at + size
    end
    return at
end

local function put_notification(b, tree)
    local size, at = length_at(b, 5)
    return put_data(b, at + size, tree, 0)
end

local function is_protected(tag)
    return (tag >= 0x21 and tag <= 0x4F) or (tag >= 0xC8 and tag <= 0xD7) or tag == 0xDB or
        tag == 0xDC
end

local function put_contents(b, tag, tree)
    if is_protected(tag) then return put_protected(b, tag, tree) end
    if tag >= 0x60 and tag <= 0x63 then return put_association(b, tree) end
    if tag == 0x0F then return put_notification(b, tree) end
    if tag >= 0xC0 and tag <= 0xC7 and tag ~= 0xC2 then
        tree:add(f.choice, b(1, 1))
        tree:add(f.invoke, b(2, 1))
        local service = services[tag * 256 + b(1, 1):uint()]
        if service == nil then return b:len() end
        return service(b, 3, tree)
    end
    if b:len() > 1 then tree:add(f.octets, b(1)) end
    return b:len()
end

local function put_apdu(b, pinfo, tree)
    local tag = b(0, 1):uint()
    local name = apdus[tag] or string.format("APDU %02X", tag)
    local item = tree:add(f.apdu, b(0, 1))
    pinfo.cols.info:append(" " .. name)
    local good, at = pcall(put_contents, b, tag, item)
    if not good then
        item:add_proto_expert_info(malformed, "it ends too early, or is no such APDU")
    elseif at < b:len() then
        item:add_proto_expert_info(malformed, (b:len() - at) .. " octets are left over")
    end
end

-- ---- frames -----------------------------------------------------------------------------------

local function put_wrapper(b, pinfo, root)
    local tree = root:add(dlms, b())
    tree:add(f.source, b(2, 2))
    tree:add(f.destination, b(4, 2))
    tree:add(f.length, b(6, 2))
    if b:len() > 8 then put_apdu(b(8):tvb(), pinfo, tree) end
end

-- An address, and where it ends.
local function address_at(b, at)
    local value = 0
    for _ = 1, 4 do
        local octet = b(at, 1):uint()
        value = value * 128 + math.floor(octet / 2)
        at = at + 1
        if octet % 2 == 1 then return value, at end
    end
    error("address")
end

local function control_name(octet)
    if octet % 2 == 0 then
        return string.format("I, N(S) %d, N(R) %d", math.floor(octet / 2) % 8,
            math.floor(octet / 32))
    end
    local low = octet % 16
    if low == 1 or low == 5 then
        return string.format("%s, N(R) %d", low == 1 and "RR" or "RNR", math.floor(octet / 32))
    end
    return frames[octet - (math.floor(octet / 16) % 2) * 16] or "unknown"
end

local function put_hdlc(b, pinfo, root)
    local tree = root:add(dlms, b())
    local segmented = math.floor(b(1, 1):uint() / 8) % 2 == 1
    local to, at = address_at(b, 3)
    local from, after = address_at(b, at)
    tree:add(f.destination, b(3, at - 3), to)
    tree:add(f.source, b(at, after - at), from)
    local name = control_name(b(after, 1):uint())
    tree:add(f.control, b(after, 1), name)
    tree:add(f.segmented, b(1, 1), segmented)
    pinfo.cols.info:append(" HDLC " .. name)
    local first, last = after + 3, b:len() - 3
    if last <= first then return end
    local info = b(first, last - first)
    local llc = info:len() > 3 and info(0, 1):uint() == 0xE6 and info(2, 1):uint() == 0
    if llc and not segmented then
        put_apdu(info(3):tvb(), pinfo, tree)
    else
        tree:add(f.octets, info)
    end
end

-- Octets of the frame at `at`; nil: more are needed to tell.
local function frame_length(b, at)
    local left = b:len() - at
    if b(at, 1):uint() == 0x7E then
        if left < 3 then return nil end
        return (b(at + 1, 2):uint() % 0x800) + 2
    end
    if left < 8 then return nil end
    return b(at + 6, 2):uint() + 8
end

local function is_frame(b, at)
    local first = b(at, 1):uint()
    if first == 0x7E then return b:len() - at < 2 or math.floor(b(at + 1, 1):uint() / 16) == 0xA end
    return first == 0 and (b:len() - at < 2 or b(at + 1, 1):uint() == 1)
end

function dlms.dissector(b, pinfo, root)
    local at = 0
    if not is_frame(b, 0) then return 0 end
    pinfo.cols.protocol = "DLMS"
    pinfo.cols.info = "DLMS"
    while at < b:len() and is_frame(b, at) do
        local size = frame_length(b, at)
        if size == nil or at + size > b:len() then
            pinfo.desegment_offset = at
            pinfo.desegment_len = size == nil and DESEGMENT_ONE_MORE_SEGMENT
                or at + size - b:len()
            return b:len()
        end
        local frame = b(at, size):tvb()
        local put = frame(0, 1):uint() == 0x7E and put_hdlc or put_wrapper
        if not pcall(put, frame, pinfo, root) then
            root:add_proto_expert_info(malformed, "a frame that is not well formed")
        end
        at = at + size
    end
    return at
end

DissectorTable.get("tcp.port"):add(4059, dlms)
DissectorTable.get("udp.port"):add(4059, dlms)
