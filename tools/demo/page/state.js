// The state of the demonstration, as the server streams it, and orders to the server.

let state;
const listeners = new Set();

export const now = () => state;

export function listen(listener) {
  listeners.add(listener);
  if (state !== undefined) listener(state);
  return () => listeners.delete(listener);
}

// Resolves with the state once `fits` holds of it.
export function until(fits) {
  return new Promise((resolve) => {
    const stop = listen((next) => {
      if (!fits(next)) return;
      queueMicrotask(() => stop());
      resolve(next);
    });
  });
}

export function follow() {
  new EventSource("events").onmessage = ({ data }) => {
    state = JSON.parse(data);
    for (const listener of [...listeners]) listener(state);
  };
}

export async function order(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const returned = await response.json();
  if (!response.ok) throw new Error(returned.error);
  return returned;
}
