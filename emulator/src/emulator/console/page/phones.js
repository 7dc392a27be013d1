// The pushes that one phone received, in a dialog.
import { $, make, put, ROOT } from "./elements.js";
import { notice } from "./commands.js";

export function bindPhones() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-phone]");
    if (button) showPhone(button.dataset.phone).catch((error) => notice(error.message));
  });
}

async function showPhone(token) {
  const response = await fetch(`${ROOT}phones/${encodeURIComponent(token)}`);
  const { pushes } = await response.json();
  put($("phone-title"), token);
  $("phone-pushes").replaceChildren(...pushes.reverse().map(pushed));
  $("phone").showModal();
}

function pushed(push) {
  return make(
    "li",
    {},
    make("time", {}, new Date(push.received_at * 1000).toLocaleTimeString()),
    make("pre", {}, JSON.stringify(push.message, null, 2)),
  );
}
