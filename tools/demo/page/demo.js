// The demonstration's page: two phones, the path of the last message, the lamps, the tour.
import { capital, find, make, put } from "./elements.js";
import { Path } from "./path.js";
import { Phone } from "./phones.js";
import { follow, listen, now, until } from "./state.js";
import { Tour } from "./tour.js";

const LAMPS = { once: "once", order: "in order", secret: "secret" };

function bindTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const show = (name) => {
    for (const tab of tabs) {
      const chosen = tab.getAttribute("aria-controls") === name;
      tab.ariaSelected = String(chosen);
      tab.tabIndex = chosen ? 0 : -1;
      find(`#${tab.getAttribute("aria-controls")}`).hidden = !chosen;
    }
    document.body.dataset.tab = name;
    const frame = find("#balancer iframe");
    if (name === "balancer" && frame.src === "") frame.src = `${now().console}/_local#balancer-title`;
  };
  for (const tab of tabs) {
    tab.addEventListener("click", () => show(tab.getAttribute("aria-controls")));
    tab.addEventListener("keydown", ({ key }) => {
      if (key !== "ArrowLeft" && key !== "ArrowRight") return;
      const other = tabs[(tabs.indexOf(tab) + 1) % tabs.length];
      other.focus();
      show(other.getAttribute("aria-controls"));
    });
  }
  return show;
}

function showLamps({ lamps }) {
  const list = find(".lamps");
  for (const [name, { green, seen }] of Object.entries(lamps)) {
    let item = find(`[data-lamp=${name}]`, list);
    if (item === null) {
      item = make("li", { data: { lamp: name } }, make("b", {}, LAMPS[name]), make("span"));
      list.append(item);
    }
    item.dataset.green = String(green);
    item.title = seen;
    put(find("span", item), seen);
  }
}

follow();
await until(() => true);
const [first, second] = Object.keys(now().phones);
const ravi = new Phone(find("#left"), first);
const raju = new Phone(find("#right"), second);
const showTab = bindTabs();
new Path(find("#message"));
listen(showLamps);
listen(({ trouble }) => {
  find("#trouble").hidden = trouble === null;
  put(find("#trouble"), trouble ?? "");
});
new Tour(find(".tour"), {
  ravi,
  raju,
  showTab,
  current: () => now().journey,
  names: { ravi: capital(first), raju: capital(second) },
});
