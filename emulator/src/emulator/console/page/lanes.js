// The load balancer: one card for each target group, in it one lane for each target.
import { allow, make, number, put, set, words } from "./elements.js";
import { newStrip, showStrip, tallest } from "./strip.js";
import { bindWeight, showWeight, weightForm } from "./weights.js";

const WELL = new Set(["healthy", "unavailable"]);
const groups = new Map(); // target group's name -> {element, lanes: target id -> element}

export const well = (target) => WELL.has(target.state);
export const weighed = (group) => typeof group.weight === "number" && group.balancer !== "network";

export function showGroups(holder, state) {
  const listed = state.target_groups ?? [];
  const pools = new Map((state.pools ?? []).map((pool) => [pool.name, pool]));
  const most = tallest(listed.flatMap((group) => group.targets));
  const total = listed.filter(weighed).reduce((sum, group) => sum + group.weight, 0);
  const steered = new Set();
  for (const group of listed) {
    // A pool that two balancers know has one set of buttons: they are for its tasks.
    const pool = steered.has(group.pool) ? undefined : pools.get(group.pool);
    steered.add(group.pool);
    const card = groups.get(group.name) ?? newGroup(holder, group, pool);
    showHead(card.element, group, pool, total);
    showLanes(card, group, pool, most);
  }
  for (const [name, card] of groups) {
    if (!listed.some((group) => group.name === name)) {
      card.element.remove();
      groups.delete(name);
    }
  }
}

function newGroup(holder, group, service) {
  const { pool } = group;
  const steered = service !== undefined;
  const scales = typeof service?.autoscaling === "boolean";
  const scaling = make("input", { type: "checkbox", data: { command: "autoscaling", pool } });
  scaling.ariaLabel = `autoscaling of ${pool}`;
  const by = (data, label, text) => make("button", { type: "button", data, ariaLabel: label }, text);
  const tasks = make(
    "div",
    { class: "tasks", role: "group", ariaLabel: `targets of ${pool}` },
    ...(scales ? [make("label", {}, scaling, "autoscaling")] : []),
    make("span", { class: "count" }),
    by({ command: "desired", pool, by: -1 }, `remove a target from ${pool}`, "− remove"),
    by({ command: "desired", pool, by: 1 }, `add a target to ${pool}`, "+ add"),
  );
  const element = make(
    "article",
    { class: "group", data: { group: group.name, pool } },
    make(
      "header",
      { class: "group-head" },
      make("h3", { tabIndex: -1 }, pool),
      make("p", { class: "facts" }),
      ...(weighed(group) ? [weightForm(pool)] : []),
      ...(steered ? [tasks] : []),
    ),
    make("p", { class: "trouble", hidden: true }),
    make("ul", { class: "lanes" }),
    make("p", { class: "empty" }, `No target is registered: ${without(group)}.`),
  );
  bindWeight(element);
  holder.append(element);
  const card = { element, lanes: new Map() };
  groups.set(group.name, card);
  return card;
}

const without = (group) =>
  group.balancer === "network" ? "connections are reset" : "requests get 503";

function showHead(element, group, pool, total) {
  const facts = [
    group.balancer === "network" ? "NLB" : "ALB",
    group.algorithm ? words(group.algorithm) : "Lambda function",
    ...(group.stickiness ? [`sticky by ${words(group.stickiness)}`] : []),
  ];
  put(element.querySelector(".facts"), facts.join(" · "));
  if (weighed(group)) showWeight(element, group.weight, total);
  if (pool) {
    const known = new Set(group.targets.map((target) => target.id));
    const starting = pool.tasks.filter((task) => !known.has(task.id)).length;
    const wanted = `${pool.desired} wanted${starting ? `, ${starting} starting` : ""}`;
    put(element.querySelector(".count"), wanted);
    element.dataset.desired = pool.desired;
    allow(element.querySelector('[data-by="-1"]'), pool.desired > 0);
    const scaling = element.querySelector('[data-command="autoscaling"]');
    if (scaling) scaling.checked = pool.autoscaling;
    const trouble = element.querySelector(".trouble");
    put(trouble, pool.trouble ?? "");
    trouble.hidden = !pool.trouble;
  }
}

function showLanes(card, group, pool, most) {
  const tasks = new Map((pool?.tasks ?? []).map((task) => [task.id, task]));
  for (const target of group.targets) {
    let lane = card.lanes.get(target.id);
    if (!lane) {
      lane = newLane(target, pool !== undefined);
      card.lanes.set(target.id, lane);
      card.element.querySelector(".lanes").append(lane);
    }
    showLane(lane, target, tasks.get(target.id), most, group.algorithm);
  }
  for (const [id, lane] of card.lanes) {
    if (!group.targets.some((target) => target.id === id)) {
      const here = lane.contains(document.activeElement);
      lane.remove();
      card.lanes.delete(id);
      if (here) card.element.querySelector("h3").focus();
    }
  }
  card.element.querySelector(".empty").hidden = group.targets.length > 0;
}

function newLane(target, steered) {
  const button = (action, grave) =>
    make(
      "button",
      { type: "button", data: { command: "act", target: target.id, action }, class: grave ?? "" },
      action,
    );
  const count = (name, label) =>
    make("div", { class: `number ${name}` }, make("b"), make("small", {}, label));
  return make(
    "li",
    { class: "lane", data: { target: target.id } },
    make("div", { class: "status" }, make("span", { class: "pill" }), make("small")),
    make("div", { class: "name" }, make("b", {}, target.id), make("small"), make("em")),
    newStrip(),
    count("in-flight", "in flight"),
    count("requests", "requests"),
    make(
      "div",
      { class: "actions" },
      ...(steered ? [button("pause"), button("drain"), button("kill", "grave")] : []),
    ),
  );
}

function showLane(lane, target, task, most, algorithm) {
  set(lane, "data-state", target.state);
  const pill = lane.querySelector(".pill");
  set(pill, "data-state", target.state);
  put(pill, target.state === "unavailable" ? "not checked" : target.state);
  const reason = lane.querySelector(".status small");
  put(reason, target.reason ?? "");
  reason.title = target.description ?? "";
  const address = lane.querySelector(".name small");
  const shortened = target.address.split(":function:").pop();
  put(address, shortened === target.id ? "" : shortened);
  address.title = target.address;
  put(lane.querySelector(".name em"), remarks(target, task, algorithm).join(", "));
  showStrip(lane.querySelector(".recent"), target.recent, most);
  put(lane.querySelector(".in-flight b"), number(target.in_flight));
  put(lane.querySelector(".requests b"), number(target.requests));
  const toggle = lane.querySelector('[data-action="pause"], [data-action="resume"]');
  if (toggle) toggle.dataset.action = task?.paused ? "resume" : "pause";
  for (const each of lane.querySelectorAll("button")) {
    put(each, each.dataset.action);
    set(each, "aria-label", `${each.dataset.action} ${target.id}`);
    allow(each, target.state !== "draining");
  }
}

// What the load balancer's state does not say. Of the algorithms round robin alone has slow start,
// and weighted random alone the mitigation of anomalies, which goes on when the target is well again.
function remarks(target, task, algorithm) {
  const { share = 1, anomalous = false } = target;
  const why = algorithm === "weighted_random" ? "mitigation" : "slow start";
  return [
    ...(task?.paused ? ["process paused"] : []),
    ...(task?.exited ? ["process dead"] : []),
    ...(share < 1 ? [`${why}, ${Math.round(100 * share)} %`] : []),
    ...(anomalous ? ["anomalous"] : []),
  ];
}
