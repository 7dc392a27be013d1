// A phone: its frame with the real client, its lock screen with what was pushed, and what can
// happen to it.
import { capital, find, make, put } from "./elements.js";
import { listen, now, order } from "./state.js";

const DAY = 86_400_000;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const NETWORK = { on: "online", lost: "no network", silent: "online, it believes" };
const FALLBACK = "You have a new message";
const WAKE_MS = 30_000; // so long a system lets an app that is not open run

export class Phone {
  #user;
  #open = true;
  #src = "";
  #begun = false; // the app in the frame has reported it, and hears what it is asked
  #rung;
  #waking = false;
  #notification;
  #clock = 0;

  constructor(holder, user) {
    this.#user = user;
    this.#arrived(now().phones[user]);
    const { platform } = now().phones[user];
    const by = (act, label) => make("button", { type: "button", data: { act } }, label);
    this.frame = make("iframe", { title: `${capital(user)}'s phone` });
    this.lock = make("div", { class: "lock", hidden: true });
    this.status = make("span", { class: "status-network" });
    this.time = make("span", { class: "status-time" });
    this.buttons = make(
      "div",
      { class: "breaks", role: "group", "aria-label": `What happens to ${capital(user)}'s phone` },
      by("app", "Close app"),
      by("lost", "Lose network"),
      by("silent", "Kill silently"),
      by("clock", "Clock + 1 day"),
    );
    holder.append(
      make("h2", {}, capital(user), make("small", {}, platform === "fcm" ? "Android" : "iPhone")),
      make(
        "div",
        { class: "phone" },
        make("div", { class: "status" }, this.time, this.status),
        make("div", { class: "screen" }, this.frame, this.lock),
      ),
      this.buttons,
    );
    this.buttons.addEventListener("click", ({ target }) => void this.#pressed(target.dataset.act));
    addEventListener("message", (event) => this.#heard(event));
    listen((state) => this.#show(state));
    setInterval(() => this.#tick(), 1000);
  }

  get user() {
    return this.#user;
  }

  // What is on the lock screen, and whether it is shown.
  get notification() {
    return this.#open ? undefined : this.#notification;
  }

  get isOpen() {
    return this.#open;
  }

  ask(act, given = {}) {
    this.frame.contentWindow?.postMessage({ act, ...given }, now().phones[this.#user].url);
  }

  write(text) {
    this.ask("write", { text });
  }

  // The user looks at the screen and touches it.
  look() {
    this.frame.focus();
    this.ask("look");
  }

  close() {
    this.#open = false;
    this.#load("");
    this.#show(now());
  }

  open() {
    if (this.#open) return;
    this.#open = true;
    this.#waking = false;
    this.#notification = undefined;
    this.#load(this.#url());
    this.#show(now());
  }

  async network(network) {
    await order(`phones/${this.#user}`, { network });
  }

  async #pressed(act) {
    const phone = now().phones[this.#user];
    if (act === "app") this.#open ? this.close() : this.open();
    if (act === "lost") await this.network(phone.network === "lost" ? "on" : "lost");
    if (act === "silent") await this.network("silent");
    if (act === "clock") {
      await order(`phones/${this.#user}`, { clock: phone.clock === 0 ? DAY : 0 });
      if (this.#open) this.#load(this.#url(), true); // an app reads the clock as it goes; a page anew
    }
  }

  #url() {
    return `${now().phones[this.#user].url}/`;
  }

  #load(src, again = false) {
    if (this.#src === src && !again) return;
    this.#src = src;
    this.#begun = false;
    this.frame.src = src === "" ? "about:blank" : src;
  }

  #heard({ origin, data }) {
    const known = now().phones[this.#user];
    if (origin !== known.url || data?.phone !== this.#user) return;
    this.#begun = true;
    if (this.#open && now().chat !== null) this.ask("open", { chat: now().chat });
  }

  #show(state) {
    const phone = state.phones[this.#user];
    if (this.#open) this.#load(this.#url());
    if (this.#chat !== state.chat && state.chat !== null) {
      this.#chat = state.chat;
      if (this.#open && this.#begun) this.ask("open", { chat: state.chat });
    }
    this.#clock = phone.clock;
    this.#arrived(phone);
    this.#woken(phone);
    this.#draw(phone);
  }
  #chat = null;

  // A push has come: the system wakes the app, which is not shown.
  #arrived({ pushes, network }) {
    if (network === "lost") return; // FCM and APNs keep it
    const ids = pushes.map(({ message }) => (message.data ?? message).message_id);
    const last = ids.findLast((id) => id !== undefined);
    const fresh = last !== this.#rung;
    this.#rung = last;
    if (!fresh || this.#open) return;
    this.#notification = { title: "Switchboard", text: FALLBACK };
    this.#waking = true;
    this.#load(this.#url(), true);
    setTimeout(() => this.#sleep(), WAKE_MS);
  }

  // The app has fetched and decrypted: its list of chats has the text.
  #woken({ shown }) {
    if (!this.#waking || shown.link !== "connected") return;
    const unread = (shown.chats ?? []).find((chat) => chat.unread > 0 && chat.text !== "");
    if (unread === undefined) return;
    this.#notification = { title: capital(unread.name), text: unread.text };
    const { journey } = now();
    if (journey?.to === this.#user && !("delivered" in journey.steps)) return; // it still has to report that
    this.#sleep();
  }

  #sleep() {
    if (!this.#waking || this.#open) return;
    this.#waking = false;
    this.#load("");
  }

  #draw({ network, clock }) {
    put(this.status, this.#open ? NETWORK[network] : this.#waking ? "woken by a push" : "app closed");
    this.status.dataset.network = network;
    const pressed = (act, is, label) => {
      const button = find(`[data-act=${act}]`, this.buttons);
      button.ariaPressed = String(is);
      if (label !== undefined) put(button, label);
    };
    pressed("app", !this.#open, this.#open ? "Close app" : "Open app");
    pressed("lost", network === "lost", network === "lost" ? "Restore network" : "Lose network");
    pressed("silent", network === "silent");
    pressed("clock", clock !== 0);
    this.frame.inert = !this.#open;
    this.lock.hidden = this.#open;
    this.#tick();
    this.#drawLock();
  }

  #drawLock() {
    const key = JSON.stringify(this.#notification ?? null);
    if (this.lock.dataset.key === key) return;
    this.lock.dataset.key = key;
    const notes = [];
    if (this.#notification !== undefined) {
      const { title, text } = this.#notification;
      notes.push(
        make(
          "button",
          { type: "button", class: "notification", onclick: () => this.open() },
          make("img", { src: "icon.svg", alt: "" }),
          make("span", {}, make("b", {}, `${title}:`), ` ${text}`),
        ),
      );
    }
    this.lock.replaceChildren(
      make("p", { class: "lock-time" }),
      make("p", { class: "lock-date" }),
      make("div", { role: "log", "aria-label": "Notifications" }, ...notes),
    );
    this.#tick();
  }

  #tick() {
    const shown = new Date(Date.now() + this.#clock);
    put(this.time, clock.format(shown));
    const [time, day] = [find(".lock-time", this.lock), find(".lock-date", this.lock)];
    if (time !== null) put(time, clock.format(shown));
    if (day !== null) put(day, date.format(shown));
  }
}
