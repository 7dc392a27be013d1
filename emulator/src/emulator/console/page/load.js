// Sends requests through a load balancer and shows who responded.
import { $, allow, allowed, make, number, put } from "./elements.js";
import { command } from "./commands.js";

let sending = false;
let containerPools = new Set();

export const isSending = () => sending;

export function bindLoad() {
  const { requests } = $("load").elements;
  const label = () => put($("load-send"), `Send ${number(Number(requests.value))} requests`);
  requests.addEventListener("input", label);
  label(); // a reload keeps what was typed
  $("load").addEventListener("submit", (event) => {
    event.preventDefault();
    if (allowed($("load-send"))) send($("load").elements);
  });
  $("load-stop").addEventListener("click", () => {
    if (allowed($("load-stop"))) stop();
  });
}

export function showLoad(state) {
  containerPools = new Set((state.pools ?? []).map((pool) => pool.name));
  const network = (state.target_groups ?? []).some((group) => group.balancer === "network");
  const nlb = $("load").elements.through.querySelector('[value="nlb"]');
  nlb.disabled = !network;
  put(nlb, network ? "NLB" : "NLB (none here)");
}

async function send({ requests, concurrency, through, cookies }) {
  const asked = Number(requests.value);
  sends(true);
  put($("load-status"), `sending ${number(asked)} requests …`);
  const result = await command("load", {
    requests: asked,
    concurrency: Number(concurrency.value),
    through: through.value,
    cookies: cookies.checked,
  });
  sends(false);
  if (result) showResult(result, asked);
  else put($("load-status"), "nothing was counted");
}

function sends(is) {
  sending = is;
  allow($("load-send"), !is);
  allow($("load-stop"), is);
}

// What was sent until then is counted: `send` gets its response.
function stop() {
  allow($("load-stop"), false);
  put($("load-status"), "stopping …");
  command("load", { stop: true });
}

function showResult(result, asked) {
  const statuses = Object.entries(result.statuses).map(
    ([code, count]) => `${code === "none" ? "no response" : code} ×${number(count)}`,
  );
  const latency = ["p50", "p99"]
    .filter((name) => typeof result[`${name}_ms`] === "number")
    .map((name) => `${name} ${result[`${name}_ms`].toFixed(1)} ms`);
  // what was still under way when it was stopped isn't counted
  const all = result.sent < asked ? `of ${number(asked)} counted` : "sent";
  const sent = `${number(result.sent)} ${all} in ${result.seconds.toFixed(2)} s`;
  put($("load-status"), [sent, ...statuses, ...latency].join(" · "));
  const rows = byPool(Object.entries(result.served_by)).flatMap(({ pool, count, instances }) =>
    containerPools.has(pool) && instances.length > 1
      ? [["pool", pool, count], ...instances.map(([name, each]) => ["instance", name, each])]
      : [["pool", instances.length > 1 ? `${pool}, ${instances.length} instances` : pool, count]],
  );
  const most = Math.max(1, ...rows.map(([, , count]) => count));
  $("load-served").replaceChildren(
    ...rows.map(([kind, name, count]) => row(kind, name, count, count / most, count / result.sent)),
  );
  $("load-table").hidden = rows.length === 0;
}

// A pool's own instances matter where they are its targets; a function's workers come and go.
function byPool(servers) {
  const pools = new Map();
  for (const [name, count] of servers) {
    const pool = name.split("/")[0];
    const known = pools.get(pool) ?? { pool, count: 0, instances: [] };
    known.count += count;
    known.instances.push([name, count]);
    pools.set(pool, known);
  }
  return [...pools.values()];
}

function row(kind, name, count, length, share) {
  const drawn = make("div", { class: "length" });
  drawn.style.width = `${100 * length}%`;
  return make(
    "tr",
    { class: kind },
    make("th", { scope: "row" }, name),
    make("td", { class: "share-bar" }, drawn),
    make("td", { class: "right" }, number(count)),
    make("td", { class: "right" }, `${(100 * share).toFixed(1)} %`),
  );
}
