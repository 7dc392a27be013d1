// Elements of the page, made and found.

export const find = (selector, within = document) => within.querySelector(selector);

export function make(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "class") element.className = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Written only where it differs, so that nothing is announced or repainted for nothing.
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const capital = (name) => {
  const [first] = name.split("_");
  return first.charAt(0).toUpperCase() + first.slice(1);
};
