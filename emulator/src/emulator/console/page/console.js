// Shows GET /_local/state as it changes and sends the commands of the buttons. No library, no build.
import { $, put, ROOT } from "./elements.js";
import { showGroups } from "./lanes.js";
import { bindLoad, isSending, showLoad } from "./load.js";
import { bindCommands, changed, whenDone } from "./commands.js";
import { bindPhones } from "./phones.js";
import { showSummary } from "./summary.js";
import { showTables, showTotals } from "./tables.js";

const PERIOD = 1000; // milliseconds between two looks
const PERIOD_SENDING = 300; // while requests are sent from here

let looked = Promise.resolve();
let paused = false;

// One fetch after the other: an older state never replaces a newer one.
function refresh() {
  looked = looked.then(lookOnce);
  return looked;
}

async function lookOnce() {
  const before = changed();
  try {
    const response = await fetch(`${ROOT}state`);
    if (!response.ok) throw new Error(`status ${response.status}`);
    const state = await response.json();
    if (changed() === before) show(state); // otherwise the command's own fetch follows
    live(true, "live");
  } catch (error) {
    live(false, `no response (${error.message})`);
  }
}

function show(state) {
  showSummary(state);
  showGroups($("groups"), state);
  showLoad(state);
  showTables(state);
  showTotals(state);
}

function live(is, text) {
  document.body.classList.toggle("lost", !is);
  put($("live"), paused ? "paused" : text);
}

$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  put($("pause"), paused ? "Go on" : "Pause");
  if (paused) put($("live"), "paused");
  else refresh();
});

async function run() {
  for (;;) {
    if (!document.hidden && !paused) await refresh();
    await new Promise((done) => setTimeout(done, isSending() ? PERIOD_SENDING : PERIOD));
  }
}

bindCommands();
bindPhones();
bindLoad();
whenDone(refresh);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
run();
