// The template's dashboard: GET /_local/dashboard, drawn as CloudWatch places it, 24 columns wide.
import { make } from "./elements.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [300, 96];
const HUES = [212, 28, 145, 275, 355, 55, 185, 320, 95, 240];

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function short(value) {
  if (value === null || value === undefined) return "–";
  if (Math.abs(value) >= 10_000) return `${Math.round(value / 1000)}k`;
  if (Number.isInteger(value)) return String(value);
  // toPrecision would write 2080 as 2.08e+3
  return Math.abs(value) >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}

// The line, with a gap where values are missing, and the points that stand alone between two gaps.
function paths(values, top) {
  const at = (n) => {
    const y = HEIGHT - 2 - (values[n] / top) * (HEIGHT - 6);
    return `${((n * WIDTH) / (values.length - 1)).toFixed(1)} ${y.toFixed(1)}`;
  };
  const missing = (n) => (values[n] ?? null) === null;
  let line = "";
  let alone = "";
  values.forEach((_, n) => {
    if (missing(n)) return;
    if (!missing(n - 1)) line += `L${at(n)}`;
    else if (!missing(n + 1)) line += `M${at(n)}`;
    else alone += `M${at(n)}h0`;
  });
  return { line, alone };
}

function graph(widget, minutes) {
  const present = widget.lines.flatMap((line) => line.values).filter((value) => value !== null);
  const top = Math.max(...present, 0) || 1;
  const picture = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  picture.setAttribute("aria-label", widget.title);
  widget.lines.forEach(({ values }, n) => {
    const stroke = `hsl(${HUES[n % HUES.length]} 60% 50%)`;
    const { line, alone } = paths(values, top);
    picture.append(shape("path", { d: line, stroke }), shape("path", { d: alone, stroke, class: "alone" }));
  });
  const keys = widget.lines.map((line, n) => {
    const dot = shape("svg", { viewBox: "0 0 8 8", class: "dot" });
    dot.append(shape("circle", { cx: 4, cy: 4, r: 4, fill: `hsl(${HUES[n % HUES.length]} 60% 50%)` }));
    return make("li", {}, dot, ` ${line.label} `, make("b", {}, short(line.latest)));
  });
  return [
    make("p", { class: "top" }, present.length ? short(top) : "no data"),
    picture,
    make("p", { class: "times" }, make("span", {}, `${minutes} min ago`), make("span", {}, "now")),
    make("ul", {}, ...keys),
    ...widget.unsupported.map((text) => make("p", { class: "facts" }, `not drawn: ${text}`)),
  ];
}

function draw(widget, minutes) {
  const states = widget.alarms.map((alarm) =>
    make("li", { class: alarm.state === "ALARM" ? "alarm on" : "alarm" }, make("b", {}, alarm.name), ` ${alarm.state}`),
  );
  const content = widget.text
    ? [make("p", { class: "facts" }, widget.text)]
    : states.length
      ? [make("ul", { class: "alarms" }, ...states)]
      : graph(widget, minutes);
  const place = `col-${widget.width}`;
  return make("figure", { class: `card graph ${place}` }, make("figcaption", {}, widget.title), ...content);
}

export function dashboard(found) {
  if (!found.widgets.length) return [make("p", { class: "empty card" }, "The template has no dashboard.")];
  return [make("div", { class: "dashboard" }, ...found.widgets.map((each) => draw(each, found.minutes)))];
}
