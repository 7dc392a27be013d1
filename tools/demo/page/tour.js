// The tour: the story in five steps. Each does what it says to the real phones, and waits until that
// was seen.
import { find, put } from "./elements.js";
import { order, until } from "./state.js";

const DEAD = "about 20 s: the app waits 8 s for a response, asks, and waits 10 s more";

// A message of the phone's that is not the one before has come so far.
const reached = (step, before) => (state) =>
  state.journey !== null && state.journey.id !== before && step in state.journey.steps;

// How many requests each server served.
function shares({ sent, served_by }) {
  const counts = new Map();
  for (const [name, count] of Object.entries(served_by)) {
    const server = name.startsWith("lambda/") ? "the functions" : name; // of which there are many
    counts.set(server, (counts.get(server) ?? 0) + count);
  }
  const each = [...counts].map(([name, count]) => `${count} by ${name}`);
  return `${sent} requests: ${each.join(", ")}.`;
}

function steps({ ravi, raju, showTab, current, names }) {
  const write = async (from, text, step) => {
    const before = current()?.id;
    from.write(text);
    return until(reached(step, before));
  };
  const connected = (phone) => until(({ phones }) => phones[phone.user].shown.link === "connected");
  const inChat = (phone) => until(({ phones }) => phones[phone.user].shown.at === "chat");
  const read = async () => {
    raju.look();
    await until(({ journey }) => "read" in journey.steps);
  };
  return [
    {
      title: `${names.raju} is online`,
      text: `${names.ravi} writes “Hey ${names.raju}!”. His phone encrypts it and sends it on the connection that it keeps open. ${names.raju} has one too: the message is posted there at once. Two ticks: delivered. Blue: read. The first message also starts the functions, which takes a second.`,
      source: "Message creation and routing",
      waits: "the ticks turn blue",
      act: async () => {
        showTab("message");
        for (const phone of [ravi, raju]) phone.open();
        for (const phone of [ravi, raju]) await Promise.all([connected(phone), inChat(phone)]);
        await write(ravi, `Hey ${names.raju}!`, "delivered");
        await read();
      },
    },
    {
      title: `${names.raju} closes the app`,
      text: `Now there is no connection. The message waits in storage, still encrypted, and the notification service wakes the phone through FCM with ids alone. The app fetches, decrypts, and the lock screen shows who wrote what. No server could.`,
      source: "Triggering a notification, when the app is closed",
      waits: "the notification on the lock screen",
      act: async () => {
        showTab("message");
        raju.close();
        await until(({ phones }) => phones[raju.user].connections === 0);
        await write(ravi, "Are you coming tonight?", "delivered");
        await until(() => raju.notification?.text === "Are you coming tonight?");
      },
    },
    {
      title: `He taps it`,
      text: `The app opens and connects. What it has fetched is there already, and it is shown once. ${names.raju} has read it: a receipt goes back, and ${names.ravi}'s ticks turn blue.`,
      source: "Notification delivery on the device",
      waits: "the ticks turn blue",
      act: async () => {
        showTab("message");
        raju.open();
        await inChat(raju);
        await connected(raju);
        await read();
      },
    },
    {
      title: "A connection dies, and nobody notices",
      text: `A router forgets ${names.ravi}'s connection. The next message goes into the void, and keeps its clock. The app notices that no response comes, connects anew and sends again. The id is the same: it stands there once, in its place.`,
      source: "Acknowledgements, retry and order",
      waits: DEAD,
      act: async () => {
        showTab("message");
        await connected(ravi);
        await ravi.network("silent");
        await write(ravi, "Is this still working?", "delivered");
        await read();
        return "seen: sent again on a new connection, and shown once";
      },
    },
    {
      title: "Who serves all of this? The load balancer",
      text: "Like a shop that opens more counters, it gives each request to one of several servers, in turn. Here 400 requests come; then one server is killed. The others go on, and a new one takes its place.",
      source: "Load balancing: round robin, and high availability",
      waits: "400 responses, one server less, and a new one",
      act: async (say) => {
        showTab("balancer");
        say(shares(await order("balancer", { requests: 400 })));
        const { killed, healthy } = await order("balancer", { kill: true });
        const after = shares(await order("balancer", { requests: 400 }));
        return `${killed} was killed and replaced, ${healthy} are healthy. ${after}`;
      },
    },
  ];
}

export class Tour {
  #at = -1; // the step that is shown
  #busy = false;

  constructor(section, scene) {
    this.section = section;
    this.steps = steps(scene);
    this.next = find(".tour-next", section);
    this.back = find(".tour-back", section);
    this.next.addEventListener("click", () => void this.#forward());
    this.back.addEventListener("click", () => this.#show(this.#at - 1, ""));
    this.#show(-1, "");
  }

  async #forward() {
    if (this.#busy) return;
    if (this.#at === this.steps.length) return this.#show(-1, "");
    const step = this.steps[this.#at + 1];
    if (step === undefined) return this.#show(this.steps.length, "");
    this.#busy = true;
    this.#show(this.#at + 1, `waiting for: ${step.waits}`);
    try {
      const seen = await step.act((text) => this.#say(text));
      this.#say(`✓ ${seen ?? `seen: ${step.waits}`}`, "seen");
    } catch (error) {
      this.#say(error.message, "failed");
    }
    this.#busy = false;
    this.#buttons();
    this.next.focus({ preventScroll: true });
  }

  #say(text, kind = "waiting") {
    const line = find(".tour-now", this.section);
    put(line, text);
    line.dataset.kind = kind;
  }

  #show(at, text) {
    this.#at = Math.max(-1, at);
    const step = this.steps[this.#at];
    const [title, words, source] = step
      ? [step.title, step.text, step.source]
      : this.#at < 0
        ? [
            "Two phones, each with the real app",
            "Write on one of them. The line below shows what becomes of the text, as it happens. Break what you like: close an app, lose the network, kill a connection.",
            "",
          ]
        : [
            "That was all of it",
            "Whatever you broke, the three lamps stayed green: every message stands there once, in order, and nobody but the two can read it.",
            "",
          ];
    put(find(".tour-at", this.section), step ? `${this.#at + 1} of ${this.steps.length}` : "");
    put(find("h2", this.section), title);
    put(find(".tour-text", this.section), words);
    put(find(".tour-source", this.section), source);
    this.#say(text);
    this.#buttons();
  }

  #buttons() {
    const last = this.steps.length;
    put(this.next, this.#at < 0 ? "Start the tour" : this.#at === last ? "From the beginning" : this.#at === last - 1 ? "End" : "Next");
    // Not `disabled`: the button would lose the focus, which users of a keyboard need.
    this.next.ariaDisabled = String(this.#busy);
    this.back.hidden = this.#at < 0 || this.#busy;
  }
}
