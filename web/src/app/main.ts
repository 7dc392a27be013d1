/** The start of the page: its words, its colours, its root element. */

import wasm from "@matrix-org/olm/olm.wasm?url";
import { App } from "./model/app.ts";
import { applyTheme } from "./model/theme.ts";
import { SwitchboardApp } from "./views/app.ts";
import { Ui } from "./views/ui.ts";
import { words } from "./words/words.ts";

document.documentElement.lang = words().code;
applyTheme();
const app = new App(wasm);
SwitchboardApp.ui = new Ui(app);
customElements.define("switchboard-app", SwitchboardApp);
void app.begin();
