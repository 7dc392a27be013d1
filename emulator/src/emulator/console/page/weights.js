// The weight of a pool: a field that shows the running weight until somebody types into it.
import { make, put } from "./elements.js";
import { command } from "./commands.js";

const HEAVIEST = 999;

export function weightForm(pool) {
  return make(
    "form",
    { class: "weight", data: { pool } },
    make(
      "label",
      {},
      "weight ",
      make("input", {
        type: "number",
        min: 0,
        max: HEAVIEST,
        step: 1,
        required: true,
        ariaLabel: `weight of ${pool}`,
        autocomplete: "off",
      }),
    ),
    make("button", { ariaLabel: `apply the weight of ${pool}` }, "apply"),
    make("span", { class: "share" }),
  );
}

export function bindWeight(group) {
  const form = group.querySelector("form.weight");
  if (!form) return;
  const input = form.querySelector("input");
  input.addEventListener("input", () => changed(form, input.value !== form.dataset.weight));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    input.value = form.dataset.weight;
    changed(form, false);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const weight = Number(input.value);
    if (!(await command(`pools/${encodeURIComponent(form.dataset.pool)}`, { weight }))) return;
    form.dataset.weight = weight;
    changed(form, input.value !== form.dataset.weight);
  });
}

export function showWeight(group, weight, total) {
  const form = group.querySelector("form.weight");
  const input = form.querySelector("input");
  form.dataset.weight = weight;
  if (!form.classList.contains("changed") && input.value !== String(weight)) input.value = weight;
  changed(form, form.classList.contains("changed") && input.value !== String(weight));
  const part = total ? Math.round((1000 * weight) / total) / 10 : 0;
  put(form.querySelector(".share"), `${part} % of requests`);
}

function changed(form, is) {
  form.classList.toggle("changed", is);
}
