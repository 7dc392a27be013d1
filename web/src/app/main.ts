/** The page's entry: a placeholder until the views are there. */

const app = document.querySelector("#app");
if (app !== null) app.textContent = "Switchboard";
