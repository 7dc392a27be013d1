// The path of the last message: a line of steps, each of which lights up when it was seen, with its
// time and what it carried. Slow motion stretches the time between two steps that happened; nothing
// lights up that did not.
import { showDetail } from "./detail.js";
import { capital, find, make, put } from "./elements.js";
import { listen } from "./state.js";

const SLOWER = [1, 20, 100, 300];
const LONGEST = 900; // ms between two steps in slow motion, unless it took longer
const BRANCHES = { online: ["posted"], away: ["queued", "notification", "push", "woken", "fetched"] };

const short = (text, length = 26) => (text.length > length ? `${text.slice(0, length)}…` : text);
const payloadOf = ({ payload, to, frame }) =>
  payload ?? Object.values(to ?? frame?.to ?? {})[0] ?? frame?.payload ?? "";

// The title of each step, where it happens, and what of it is shown in one line.
export const STEPS = {
  encrypted: {
    title: () => "Encrypted",
    place: (way) => `${capital(way.from)}'s phone`,
    carried: (carried) => short(payloadOf(carried)),
    text: "The text is encrypted on the phone, for each device of the other one. From here on nobody else can read it.",
  },
  accepted: {
    title: () => "Message service",
    place: () => "function Send",
    carried: ({ seq }) => `position ${seq} of the chat`,
    text: "The message gets the next position in the chat's log. The position orders the chat, and is given out once.",
  },
  stored: {
    title: () => "Storage",
    place: () => "table Chats",
    carried: (item) => short(Object.values(item.to?.M ?? {})[0]?.S ?? item.payload?.S ?? ""),
    text: "The encrypted message is stored before it is acknowledged. What is stored is not lost.",
  },
  presence: {
    title: () => "Presence",
    place: () => "table Users",
    carried: ({ connections, delivered }, way) =>
      connections > delivered
        ? "the connection is gone"
        : `${capital(way.to)} is ${delivered > 0 ? "connected" : "not connected"}`,
    text: "Which devices of the recipient have an open connection?",
  },
  posted: {
    title: () => "Posted",
    place: () => "WebSocket",
    carried: (message) => short(payloadOf(message)),
    text: "The recipient is online: the message is posted on the open connection, at once.",
  },
  queued: {
    title: () => "Queued",
    place: () => "push queue",
    carried: ({ user }) => `a job: wake ${capital(user)}`,
    text: "Nobody has it on an open connection: a job for the notification service goes to a queue.",
  },
  notification: {
    title: () => "Notification service",
    place: () => "function Push",
    carried: ({ message_id: id }) => short(`message ${id}`),
    text: "It takes the job, looks at what is unread, and sends a light message: ids, and no text.",
  },
  push: {
    title: (way, phones) => (phones[way.to].platform === "fcm" ? "FCM" : "APNs"),
    place: () => "its local stand-in",
    carried: (message) => short(JSON.stringify(message.data ?? message.aps)),
    text: "Google's or Apple's service finds the phone by its device token, also while the app is closed.",
  },
  woken: {
    title: () => "Woken",
    place: (way) => `${capital(way.to)}'s phone`,
    carried: () => "the app connects",
    text: "The phone's system wakes the app, which opens a connection of its own.",
  },
  fetched: {
    title: () => "Fetched",
    place: () => "function Sync",
    carried: (message) => short(payloadOf(message)),
    text: "The app asks for everything after its last position, and gets it in order.",
  },
  decrypted: {
    title: () => "Decrypted",
    place: (way) => `${capital(way.to)}'s phone`,
    carried: ({ text }) => short(text ?? ""),
    text: "Only here the text can be read again, with a key that never left the phone.",
  },
  delivered: {
    title: () => "Delivered ✓✓",
    place: () => "function Receipt",
    carried: ({ delivered }) => `all up to position ${delivered}`,
    text: "The recipient's device acknowledges, and the sender's phone shows two ticks.",
  },
  read: {
    title: () => "Read ✓✓",
    place: () => "function Receipt",
    carried: ({ read }) => `all up to position ${read}`,
    text: "The recipient has looked at it: the ticks turn blue.",
  },
};

export class Path {
  #items = new Map();
  #shown; // the message's id
  #lit = new Map(); // step -> when it lights up, ms of performance.now()
  #phones = {};
  #slow = 1;

  constructor(panel) {
    this.list = find(".path", panel);
    this.of = find(".path-of", panel);
    for (const name of Object.keys(STEPS)) {
      const button = make(
        "button",
        { type: "button", onclick: () => this.#open(name) },
        make("span", { class: "dot" }),
        make("b"),
        make("span", { class: "place" }),
        make("time"),
        make("code"),
      );
      const item = make("li", { data: { step: name } }, button);
      this.#items.set(name, item);
      this.list.append(item);
    }
    this.#bindSpeed(find(".speed", panel));
    listen((state) => this.#show(state));
  }

  #bindSpeed(label) {
    const [input, output] = [find("input", label), find("output", label)];
    const change = () => {
      this.#slow = SLOWER[input.valueAsNumber];
      put(output, this.#slow === 1 ? "off" : `${this.#slow} ×`);
      input.ariaValueText = output.textContent;
    };
    input.addEventListener("input", change);
    change();
  }

  #show({ journey, phones }) {
    this.#phones = phones;
    const way = journey ?? { id: "", from: Object.keys(phones)[0], to: Object.keys(phones)[1], steps: {} };
    if (way.id !== this.#shown) {
      this.#shown = way.id;
      this.#lit.clear();
      for (const item of this.#items.values()) item.classList.remove("lit", "by");
    }
    this.journey = way;
    this.#plan(way);
    for (const [name, item] of this.#items) this.#draw(name, item, way);
    const away = BRANCHES.away.some((name) => name in way.steps);
    this.list.dataset.branch = away ? "away" : "posted" in way.steps ? "online" : "";
    put(this.of, this.#summary(way));
  }

  #summary({ id, from, to, sends, lost }) {
    if (id === "") return "Write something on one of the phones.";
    const again = sends > 1 ? `, sent ${sends} times, as the same message` : "";
    return `${capital(from)} to ${capital(to)}${again}${lost > 0 ? `; ${lost} on a dead connection` : ""}`;
  }

  // When each step lights up. Steps keep their order and, without slow motion, their times.
  #plan({ steps }) {
    const order = Object.keys(STEPS).filter((name) => name in steps);
    order.sort((one, other) => steps[one].at - steps[other].at);
    const id = this.#shown;
    let [before, lit] = [undefined, performance.now()];
    for (const name of order) {
      const took = before === undefined ? 0 : (steps[name].at - before) * 1000;
      before = steps[name].at;
      if (this.#lit.has(name)) {
        lit = this.#lit.get(name);
        continue;
      }
      lit += this.#slow === 1 ? 0 : Math.max(60, Math.min(took * this.#slow, LONGEST));
      lit = Math.max(lit, performance.now());
      this.#lit.set(name, lit);
      setTimeout(() => this.#light(name, id), lit - performance.now());
    }
  }

  #light(name, id) {
    if (id === this.#shown) this.#items.get(name).classList.add("lit");
  }

  #draw(name, item, way) {
    const { title, place, carried } = STEPS[name];
    const step = way.steps[name];
    put(find("b", item), title(way, this.#phones));
    put(find(".place", item), place(way));
    item.classList.toggle("by", step?.by === true);
    const took = step && Math.max(0, Math.round((step.at - way.steps.encrypted.at) * 1000));
    put(find("time", item), step === undefined ? "" : `${step.by ? "by " : ""}${spoken(took)}`);
    put(find("code", item), step === undefined ? "" : carried(step.carried, way));
    find("button", item).disabled = step === undefined;
  }

  #open(name) {
    const step = this.journey.steps[name];
    if (step === undefined) return;
    const { title, text } = STEPS[name];
    void showDetail(name, title(this.journey, this.#phones), text, step.carried, this.journey.id);
  }
}

function spoken(ms) {
  return ms < 10_000 ? `${ms.toLocaleString("en")} ms` : `${(ms / 1000).toFixed(1)} s`;
}
