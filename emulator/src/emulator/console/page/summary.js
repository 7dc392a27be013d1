// The summary at the top: the alarms, the last failure, and what waits.
import { $, ago, make, number, put, ROOT } from "./elements.js";
import { well } from "./lanes.js";

const view = (to) => `${ROOT}view/${to}`;
const counted = (count, one) => `${number(count)} ${one}${count === 1 ? "" : "s"}`;

// The problems, each with a link to where it shows.
export function troubles(state) {
  const targets = (state.target_groups ?? []).flatMap((group) => group.targets);
  const ill = targets.filter((each) => !well(each)).length;
  const dead = (state.queues ?? []).filter((each) => each.dead_letters && each.visible);
  return [
    ...(ill ? [{ text: `${counted(ill, "target")} of ${targets.length} not well`, to: "#balancer-title" }] : []),
    ...(state.alarms ?? []).filter((each) => each.state === "ALARM" && each.composite).map((each) => ({ text: `alarm ${each.name}`, to: "#alarms-title" })),
    ...(state.functions ?? []).filter((each) => each.error).map((each) => ({ text: `an error in the code of ${each.label ?? each.name}`, to: view(`functions/${encodeURIComponent(each.name)}`) })),
    ...dead.map((each) => ({ text: `${counted(each.visible, "dead letter")} in ${each.name}`, to: view(`queues/${encodeURIComponent(each.name)}`) })),
    ...(state.denials?.length ? [{ text: `${counted(state.denials.length, "call")} without a permission`, to: view("denials") }] : []),
  ];
}

function failed(last) {
  if (!last) return ["Nothing has failed."];
  const to = last.kind === "invocation" ? `functions/${encodeURIComponent(last.name)}?open=r${last.number}` : last.kind === "post" ? `connections/${encodeURIComponent(last.name)}?open=r${last.number}` : `trace?id=${encodeURIComponent(last.id || last.name)}`;
  return [make("a", { href: view(to) }, last.name), ` ${ago(last.at)} ago: ${last.error}`];
}

function waits(queues) {
  const waiting = queues.filter((each) => !each.dead_letters && each.visible + each.in_flight + (each.delayed ?? 0));
  if (!waiting.length) return ["Nothing waits in a queue."];
  return waiting.flatMap((each, n) => [n ? ", " : "", make("a", { href: view(`queues/${encodeURIComponent(each.name)}`) }, each.name), `: ${number(each.visible + (each.delayed ?? 0))} waiting, ${number(each.in_flight)} in flight`]);
}

export function showSummary(state) {
  const wrong = troubles(state);
  replace($("all-well"), wrong.length ? wrong.flatMap(({ text, to }, n) => [n ? ", " : "", make("a", { href: to }, text)]) : ["All is well."]);
  $("all-well").className = wrong.length ? "bad" : "";
  replace($("failed-last"), failed(state.last_failure));
  replace($("waits"), waits(state.queues ?? []));
}

// Only what is different: a link that has the focus keeps it.
function replace(element, content) {
  const made = make("dd", {}, ...content);
  if (element.innerHTML !== made.innerHTML) element.replaceChildren(...made.childNodes);
}
