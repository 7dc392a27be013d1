// Shows GET /_local/state once a second and sends what the buttons say. No library, no build.
"use strict";

const PERIOD = 1000; // milliseconds between two looks
const SECONDS = 60; // how much of the past a lane shows

const $ = (id) => document.getElementById(id);
const lanes = new Map(); // target id -> {element, samples, last}

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "data") Object.assign(element.dataset, value);
    else if (name === "class") element.className = value;
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

function put(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

function ago(epochSeconds) {
  const seconds = Math.max(0, Math.round(Date.now() / 1000 - epochSeconds));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

// load balancer

function showGroups(state) {
  const paused = new Set();
  const desired = new Map();
  for (const pool of state.pools ?? []) {
    desired.set(pool.name, pool.desired);
    for (const task of pool.tasks) if (task.paused) paused.add(task.id);
  }
  const seen = new Set();
  for (const group of state.target_groups ?? []) {
    const element = groupElement(group);
    showGroupHead(element, group, desired.get(group.pool));
    for (const target of group.targets) {
      seen.add(target.id);
      showLane(element, target, paused.has(target.id), desired.has(group.pool));
    }
    element.querySelector(".empty").hidden = group.targets.length > 0;
  }
  for (const [id, lane] of lanes) {
    if (!seen.has(id)) {
      lane.element.remove();
      lanes.delete(id);
    }
  }
}

function groupElement(group) {
  const id = `group-${group.name}`;
  let element = $(id);
  if (element) return element;
  const step = (by, label) =>
    make("button", { data: { pool: group.pool, by }, ariaLabel: label }, by > 0 ? "+" : "−");
  element = make(
    "article",
    { id, class: "group" },
    make(
      "div",
      { class: "group-head" },
      make("h3"),
      make("span", { class: "facts" }),
      make(
        "span",
        { class: "stepper" },
        "tasks",
        step(-1, `fewer tasks in ${group.pool}`),
        make("output"),
        step(1, `more tasks in ${group.pool}`),
      ),
    ),
    make("p", { class: "empty" }, "No target is registered: requests get 503."),
  );
  $("groups").append(element);
  return element;
}

function showGroupHead(element, group, desired) {
  put(element.querySelector("h3"), group.pool);
  const weight = group.weight === null ? "no weight" : `weight ${group.weight}`;
  const algorithm = (group.algorithm ?? "Lambda function").replaceAll("_", " ");
  put(element.querySelector(".facts"), `${algorithm} · ${weight}`);
  element.querySelector(".stepper").hidden = desired === undefined;
  element.querySelector(".stepper").style.display = desired === undefined ? "none" : "";
  put(element.querySelector("output"), desired ?? "");
}

function laneElement(target, steered) {
  const button = (action, grave) =>
    make("button", { data: { target: target.id, action }, class: grave ? "grave" : "" }, action);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${SECONDS} 20`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const number = (label) =>
    make("span", { class: "number" }, make("b"), make("small", {}, label));
  return make(
    "div",
    { class: "lane" },
    make("span", { class: "pill" }),
    make("span", { class: "name" }, target.id, make("small")),
    svg,
    number("in flight"),
    number("requests"),
    make(
      "span",
      { class: "actions" },
      ...(steered ? [button("pause"), button("drain"), button("kill", true)] : []),
    ),
  );
}

function showLane(group, target, paused, steered) {
  let lane = lanes.get(target.id);
  if (!lane) {
    const { requests } = target;
    lane = { element: laneElement(target, steered), samples: [], requests, last: requests };
    lanes.set(target.id, lane);
    group.append(lane.element);
  }
  const { element } = lane;
  lane.requests = target.requests;
  const state = paused ? "paused" : target.state;
  element.dataset.state = target.state;
  const pill = element.querySelector(".pill");
  pill.dataset.state = state;
  put(pill, state === "unavailable" ? "unchecked" : state);
  pill.title = state;
  const address = target.address.startsWith("arn:")
    ? target.address.split(":").pop()
    : target.address;
  const small = element.querySelector(".name small");
  put(small, target.reason ?? address);
  small.title = target.address;
  const [inFlight, requests] = element.querySelectorAll(".number b");
  put(inFlight, target.in_flight);
  put(requests, target.requests.toLocaleString("en"));
  const toggle = element.querySelector('[data-action="pause"], [data-action="resume"]');
  if (toggle) {
    toggle.dataset.action = paused ? "resume" : "pause";
    put(toggle, toggle.dataset.action);
  }
  for (const each of element.querySelectorAll("button")) {
    each.disabled = target.state === "draining";
  }
}

function drawLanes() {
  const all = [...lanes.values()];
  for (const lane of all) {
    lane.samples.push(lane.requests - lane.last);
    if (lane.samples.length > SECONDS) lane.samples.shift();
    lane.last = lane.requests;
  }
  const most = Math.max(5, ...all.flatMap((lane) => lane.samples));
  for (const { element, samples } of all) {
    const bars = samples.map((count, n) => {
      const height = count === 0 ? 0 : Math.max(1, (18 * count) / most);
      const x = SECONDS - samples.length + n;
      return `<rect x="${x + 0.1}" y="${19 - height}" width="0.8" height="${height}"/>`;
    });
    element.querySelector("svg").innerHTML =
      `<line x1="0" x2="${SECONDS}" y1="19.5" y2="19.5"/>${bars.join("")}`;
  }
}

// tables

function showTable(id, rows, columns, empty) {
  const key = JSON.stringify(rows);
  const holder = $(id);
  const stamped = columns.some((column) => column.ages);
  if (holder.dataset.key === key && !stamped) return;
  holder.dataset.key = key;
  const focused = holder.contains(document.activeElement) && document.activeElement.dataset.token;
  if (rows.length === 0) {
    holder.replaceChildren(make("p", { class: "empty" }, empty));
    return;
  }
  const cell = (column, row) => {
    const value = column.value(row);
    return make("td", { class: column.class?.(row) ?? (column.right ? "right" : "") }, value ?? "–");
  };
  const table = make(
    "table",
    {},
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        ...columns.map((column) =>
          make("th", { scope: "col", class: column.right ? "right" : "" }, column.name),
        ),
      ),
    ),
    make(
      "tbody",
      {},
      ...rows.map((row) => make("tr", {}, ...columns.map((column) => cell(column, row)))),
    ),
  );
  const top = holder.scrollTop;
  holder.replaceChildren(table);
  holder.scrollTop = top;
  if (focused) holder.querySelector(`[data-token="${CSS.escape(focused)}"]`)?.focus();
}

const count = (name, read) => ({ name, right: true, value: (row) => String(read(row) ?? 0) });
const alarming = (name, read) => ({
  name,
  value: (row) => String(read(row) ?? 0),
  class: (row) => (read(row) ? "right bad" : "right"),
  right: true,
});

function showTables(state) {
  const connections = state.connections ?? [];
  put($("connections-count"), connections.length || "");
  showTable(
    "connections",
    connections,
    [
      { name: "user / device", value: (c) => (c.user ? `${c.user} / ${c.device}` : c.id) },
      { name: "open for", value: (c) => ago(c.connected_at), right: true, ages: true },
      { name: "quiet for", value: (c) => ago(c.last_active_at), right: true, ages: true },
      count("frames in", (c) => c.received),
      count("out", (c) => c.sent),
    ],
    "Nobody is connected.",
  );
  const phones = state.pushes ?? [];
  put($("phones-count"), phones.length || "");
  showTable(
    "phones",
    phones,
    [
      {
        name: "device token",
        value: (p) => make("button", { class: "link", data: { token: p.token } }, p.token),
      },
      { name: "platform", value: (p) => (p.platform === "fcm" ? "FCM" : "APNs") },
      count("pushes", (p) => p.count),
      { name: "last", value: (p) => `${ago(p.last_at)} ago`, right: true, ages: true },
    ],
    "No phone has been pushed to.",
  );
  showTable(
    "functions",
    state.functions ?? [],
    [
      { name: "function", value: (f) => f.label ?? f.name },
      count("calls", (f) => f.invocations),
      alarming("errors", (f) => f.errors),
      { name: "busy / workers", right: true, value: (f) => `${f.busy ?? 0} / ${f.workers ?? 0}` },
    ],
    "The template has no functions.",
  );
  showTable(
    "queues",
    state.queues ?? [],
    [
      { name: "queue", value: (q) => q.name },
      count("visible", (q) => q.visible),
      count("in flight", (q) => q.in_flight),
    ],
    "The template has no queues.",
  );
  showTable(
    "tables",
    state.tables ?? [],
    [{ name: "table", value: (t) => t.name }, count("items", (t) => t.items)],
    "The template has no tables.",
  );
}

function showTotals(state) {
  const targets = (state.target_groups ?? []).flatMap((group) => group.targets);
  const well = targets.filter((t) => t.state === "healthy" || t.state === "unavailable").length;
  const requests = targets.reduce((sum, target) => sum + target.requests, 0);
  const pushes = (state.pushes ?? []).reduce((sum, phone) => sum + phone.count, 0);
  const totals = [
    ["targets", `${well} of ${targets.length} well`],
    ["requests", requests.toLocaleString("en")],
    ["connections", (state.connections ?? []).length],
    ["pushes", pushes],
  ];
  $("totals").replaceChildren(
    ...totals.map(([name, value]) =>
      make("div", {}, make("dt", {}, name), make("dd", {}, String(value))),
    ),
  );
}

// orders

async function order(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) notice((await answer.json()).error.message);
  await look();
}

let hiding;
function notice(text) {
  put($("notice"), text);
  $("notice").hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => ($("notice").hidden = true), 5000);
}

async function showPhone(token) {
  const answer = await fetch(`/_local/phones/${encodeURIComponent(token)}`);
  const { pushes } = await answer.json();
  put($("phone-title"), token);
  $("phone-pushes").replaceChildren(
    ...pushes
      .reverse()
      .map((push) =>
        make(
          "li",
          {},
          make("time", {}, new Date(push.received_at * 1000).toLocaleTimeString()),
          make("pre", {}, JSON.stringify(push.message, null, 2)),
        ),
      ),
  );
  $("phone").showModal();
}

document.addEventListener("click", (event) => {
  const { pool, by, target, action, token } = event.target.dataset ?? {};
  if (pool) {
    const output = event.target.parentElement.querySelector("output");
    order(`/_local/pools/${encodeURIComponent(pool)}`, {
      desired: Math.max(0, Number(output.textContent) + Number(by)),
    });
  } else if (action) {
    order(`/_local/targets/${encodeURIComponent(target)}`, { action });
  } else if (token) {
    showPhone(token);
  }
});

async function look() {
  try {
    const answer = await fetch("/_local/state");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const state = await answer.json();
    showGroups(state);
    showTables(state);
    showTotals(state);
    $("live").className = "live";
    put($("live"), "live");
  } catch (error) {
    $("live").className = "live lost";
    put($("live"), `no answer (${error.message})`);
  }
}

async function run() {
  for (;;) {
    if (!document.hidden) {
      await look();
      drawLanes();
    }
    await new Promise((done) => setTimeout(done, PERIOD));
  }
}

run();
