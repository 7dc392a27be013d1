// The query of a view's address, so that a reload and a copied address show the same. The
// emulator is asked for the rest; these are the page's own.
const OWN = ["find", "only", "open", "order", "show", "times", "writes"];

let redraw = () => {};

export const own = (name) => new URLSearchParams(location.search).get(name) ?? "";

export const opened = () => new Set(new URLSearchParams(location.search).getAll("open"));

export function whenChanged(draw) {
  redraw = draw;
}

// One of the page's own fields; an empty value removes it.
export function choose(name, ...values) {
  const query = new URLSearchParams(location.search);
  query.delete(name);
  for (const value of values.filter(Boolean)) query.append(name, value);
  replace(query);
  if (name !== "open") redraw();
}

function replace(query) {
  const text = query.toString();
  history.replaceState(null, "", `${location.pathname}${text ? `?${text}` : ""}`);
}

// What the emulator is asked for. The address has times as people write them; it takes seconds
// since 1970.
export function asked() {
  const query = new URLSearchParams(location.search);
  for (const name of OWN) query.delete(name);
  for (const end of ["from", "to"]) {
    const at = Date.parse(query.get(end) ?? "") / 1000;
    if (Number.isNaN(at)) query.delete(end);
    else query.set(end, at + (end === "to" ? 0.999 : 0)); // that second is meant as a whole
  }
  return query.toString();
}

// The address with some fields changed, for a link to another page of the same list.
export function further(changes) {
  const query = new URLSearchParams(location.search);
  query.delete("open");
  for (const [name, value] of Object.entries(changes)) query.set(name, value);
  return query.toString();
}

// Lists come with the newest first; what is asked for is the other way round.
export const inOrder = (newestFirst) => (own("order") === "oldest" ? [...newestFirst].reverse() : newestFirst);
