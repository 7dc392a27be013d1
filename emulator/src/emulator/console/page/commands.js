// Commands to the console, and the notice with its error.
import { $, allowed, put, ROOT } from "./elements.js";

let hiding;
let refresh = async () => {};
let changes = 0;

// Rises whenever a command is sent and when it is done: a state that was fetched before is old.
export const changed = () => changes;

export function whenDone(shown) {
  refresh = shown;
}

// The response, or null where there is none, which the page then reports.
export async function command(path, body) {
  const changing = path !== "load"; // that one takes its time and is watched meanwhile
  if (changing) changes += 1;
  let result = null;
  let failure = null;
  try {
    const response = await fetch(`${ROOT}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const document = await response.json();
    if (response.ok) result = document;
    else failure = document.error.message;
  } catch (error) {
    failure = error.message;
  }
  if (changing) changes += 1;
  await refresh();
  if (failure !== null) notice(failure);
  return result;
}

export function notice(text) {
  put($("notice"), text);
  $("notice").hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => ($("notice").hidden = true), 8000);
}

export function bindCommands() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-command]");
    if (!button || !allowed(button)) return;
    const { command: kind, pool, by, target, action } = button.dataset;
    if (kind === "desired") step(button.closest("[data-desired]"), pool, Number(by));
    if (kind === "act") command(`targets/${encodeURIComponent(target)}`, { action });
  });
  document.addEventListener("change", (event) => {
    const { command: kind, pool } = event.target.dataset;
    if (kind !== "autoscaling") return;
    command(`pools/${encodeURIComponent(pool)}`, { autoscaling: event.target.checked });
  });
  $("notice").addEventListener("click", () => ($("notice").hidden = true));
}

// Two quick presses are two targets, also before the page has fetched the result of the first one.
async function step(card, pool, by) {
  const { wanted, desired } = card.dataset;
  const next = String(Math.max(0, Number(wanted ?? desired) + by));
  card.dataset.wanted = next;
  await command(`pools/${encodeURIComponent(pool)}`, { desired: Number(next) });
  if (card.dataset.wanted === next) delete card.dataset.wanted;
}
