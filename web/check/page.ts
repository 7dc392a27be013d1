/** A page without views: gives tests and benchmarks the core as a browser has it. */

import wasm from "@matrix-org/olm/olm.wasm?url";
import { ChatClient, type Event, type Options } from "../src/client/index.ts";
import { measure } from "./measure.ts";

const clients = new Map<string, { client: ChatClient; events: Event[] }>();

function found(name: string) {
  const known = clients.get(name);
  if (known === undefined) throw new Error(`there is no client ${name}`);
  return known;
}

const page = {
  async open(name: string, options: Options): Promise<void> {
    const client = await ChatClient.open({ ...options, wasm });
    const events: Event[] = [];
    client.listen((event) => events.push(event));
    clients.set(name, { client, events });
  },

  async connect(name: string): Promise<void> {
    const { client } = found(name);
    await client.signUpOrIn();
    await client.connect(300_000); // a busy machine takes long
  },

  client: (name: string): ChatClient => found(name).client,
  events: (name: string): readonly Event[] => found(name).events,
  measure: () => measure(wasm),
};

declare global {
  interface Window {
    switchboard: typeof page;
  }
}

window.switchboard = page;
