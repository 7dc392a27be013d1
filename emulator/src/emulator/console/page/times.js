// Times: of the clock here, or how long ago, as one chooses; the other is in the tooltip.
import { own } from "./query.js";
import { ago, make, put } from "./elements.js";

const local = (at) => new Date(at * 1000).toLocaleTimeString();

export function clock(at) {
  const element = make("time", { dateTime: new Date(at * 1000).toISOString(), data: { at } });
  show(element);
  return element;
}

function show(element) {
  const at = Number(element.dataset.at);
  const relative = own("times") === "ago";
  put(element, relative ? `${ago(at)} ago` : local(at));
  element.title = `${relative ? local(at) : `${ago(at)} ago`}, ${element.dateTime}`;
}

export function refreshTimes() {
  for (const element of document.querySelectorAll("time[data-at]")) show(element);
}
