// Elements, made and changed only where something is different: what is untouched keeps its
// focus, its selection and its tooltip.

const SVG = "http://www.w3.org/2000/svg";

// Where the console is, with the token that its address may have: the folder of this file.
export const ROOT = new URL(".", import.meta.url).pathname;

export const $ = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "data") Object.assign(element.dataset, value);
    else if (name === "class") element.className = value;
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function put(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

export function set(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

// A button that can't be used now stays where the keyboard is; a disabled one would lose it.
export function allow(button, allowed) {
  set(button, "aria-disabled", !allowed);
}

export const allowed = (button) => button.getAttribute("aria-disabled") !== "true";

export const number = (value) => value.toLocaleString("en");

// A platform of pushes, as its maker calls it.
export const platform = (name) => ({ fcm: "FCM", apns: "APNs", web: "Web Push" })[name] ?? name;

export const words = (name) => name.replaceAll("_", " ");

export function ago(epochSeconds) {
  const seconds = Math.max(0, Math.round(Date.now() / 1000 - epochSeconds));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
