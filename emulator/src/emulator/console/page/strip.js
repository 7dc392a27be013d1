// A target's last ten seconds: one column for each, responses upwards from the line, failures
// downwards, and the codes in words beside it.
import { draw, make, number, put, set } from "./elements.js";

const SECONDS = 10;
const WIDTH = 10; // of a column, in units of the view box
const UP = 30; // height above the line
const DOWN = 14; // and below it
const LEAST = 3; // a single failure among thousands is still seen
const KINDS = ["2", "3", "4", "5", "none"];
const FAILURES = new Set(["5", "none"]);

// A network load balancer's connections have no status: they "ended", in order, or not ("none").
const kindOf = (code) => {
  if (code === "none") return code;
  return code === "ended" || code[0] < "2" ? "2" : code[0];
};
const sum = (counts) => counts.reduce((total, count) => total + count, 0);
const listed = (codes) => codes.map(([code, count]) => `${name(code)} ×${number(count)}`).join(", ");
const name = (code) => (code === "none" ? "no response" : code);

export function newStrip() {
  const columns = Array.from({ length: SECONDS }, (_, n) =>
    draw(
      "g",
      { transform: `translate(${n * WIDTH} 0)` },
      draw("title"),
      draw("rect", { class: "column", width: WIDTH, height: UP + DOWN }),
      ...KINDS.map((kind) =>
        draw("rect", { class: "bar", "data-kind": kind, x: 0.7, width: WIDTH - 1.4, height: 0 }),
      ),
    ),
  );
  return make(
    "div",
    { class: "recent" },
    draw(
      "svg",
      {
        class: "strip",
        role: "img",
        viewBox: `0 0 ${SECONDS * WIDTH} ${UP + DOWN}`,
        preserveAspectRatio: "none",
      },
      ...columns,
      draw("line", { x1: 0, x2: SECONDS * WIDTH, y1: UP, y2: UP }),
    ),
    make("p", { class: "codes" }),
  );
}

// The tallest second of all lanes, so that they can be compared.
export function tallest(targets) {
  const seconds = targets.flatMap((target) => target.recent ?? []);
  return Math.max(5, ...seconds.map((second) => sum(Object.values(second))));
}

export function showStrip(element, recent, most) {
  const seconds = (recent ?? []).slice(-SECONDS);
  const missing = SECONDS - seconds.length;
  element.querySelectorAll("g").forEach((column, n) => {
    showSecond(column, seconds[n - missing] ?? {}, SECONDS - 1 - n, most);
  });
  const total = {};
  for (const second of seconds) {
    for (const [code, count] of Object.entries(second)) total[code] = (total[code] ?? 0) + count;
  }
  const codes = Object.entries(total).sort();
  showCodes(element.querySelector(".codes"), codes);
  const label = codes.length ? listed(codes) : "no responses";
  set(element.querySelector("svg"), "aria-label", `the last ten seconds: ${label}`);
}

function showSecond(column, second, age, most) {
  const codes = Object.entries(second).sort();
  const when = age === 0 ? "this second" : `${age} s ago`;
  put(column.querySelector("title"), codes.length ? `${when}: ${listed(codes)}` : `${when}: nothing`);
  let up = UP;
  let down = UP;
  for (const bar of column.querySelectorAll(".bar")) {
    const { kind } = bar.dataset;
    const count = sum(codes.filter(([code]) => kindOf(code) === kind).map(([, n]) => n));
    const failure = FAILURES.has(kind);
    const room = failure ? UP + DOWN - down : up;
    const scaled = ((failure ? DOWN : UP) * count) / most;
    const height = count === 0 ? 0 : Math.min(room, Math.max(LEAST, scaled));
    if (!failure) up -= height;
    set(bar, "y", failure ? down : up);
    set(bar, "height", height);
    if (failure) down += height;
  }
}

function showCodes(element, codes) {
  const shown = new Map([...element.children].map((child) => [child.dataset.code, child]));
  for (const [code, child] of shown) {
    if (!codes.some(([known]) => known === code)) child.remove();
  }
  for (const [code, count] of codes) {
    const known = shown.get(code);
    const child = known ?? make("span", { class: "code", data: { code, kind: kindOf(code) } });
    put(child, `${name(code)} ×${number(count)}`);
    if (!known) element.append(child);
  }
}
