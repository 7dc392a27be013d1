/** The page as a whole: signing in, opening the device, and what ends either. */

import {
  ApiError,
  ChatClient,
  databaseOf,
  type Linked,
  NewDevice,
  Removed,
} from "../../client/index.ts";
import { Drafts } from "./drafts.ts";
import {
  browserName,
  deleteDatabases,
  forgetInstalled,
  type Installation,
  installed,
  keysAreThere,
  markInstalled,
  newDevice,
  pageDatabaseOf,
} from "./installation.ts";
import { Model } from "./model.ts";
import { Notifications } from "./notifications.ts";
import { Session } from "./session.ts";
import { Tabs } from "./tabs.ts";

export type Phase =
  | { readonly at: "opening" }
  | { readonly at: "signed-out" }
  /** Another tab has the device. `taking`: it has been asked to let go. */
  | { readonly at: "elsewhere"; readonly taking: boolean }
  | { readonly at: "keys-gone"; readonly user: string }
  | { readonly at: "broken"; readonly reason: string }
  | { readonly at: "ended"; readonly why: "signed_out" | "displaced" }
  | { readonly at: "in"; readonly session: Session };

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export class App extends Model {
  phase: Phase = { at: "opening" };
  /** Whether the browser keeps what is stored here; undefined until it was asked. */
  persisted: boolean | undefined;
  readonly notifications = new Notifications();
  readonly #wasm: string;
  readonly #tabs = new Tabs();
  #stopListening: (() => void) | undefined;

  /** `wasm`: where olm.wasm is. */
  constructor(wasm: string) {
    super();
    this.#wasm = wasm;
  }

  /** What this browser has, or the way to sign in. */
  async begin(): Promise<void> {
    this.persisted = await navigator.storage?.persisted?.();
    await this.notifications.begin();
    const known = installed();
    if (known === undefined) return this.#is({ at: "signed-out" });
    if (!(await keysAreThere(known))) return this.#is({ at: "keys-gone", user: known.user });
    await this.#open(known);
  }

  /** Opens what this browser has. Where another tab has it, this one waits until that one ends. */
  async #open(known: Installation): Promise<void> {
    this.#is({ at: "opening" });
    const name = databaseOf(known.user, known.device);
    const free = await isFree(name);
    if (!free) this.#is({ at: "elsewhere", taking: false });
    try {
      // Waits for as long as the page is there: the lock is handed on when its tab closes.
      const wait = new AbortController().signal;
      const client = await ChatClient.open({ ...known, wasm: this.#wasm, wait });
      await this.#enter(client, known);
    } catch (error) {
      this.#is({ at: "broken", reason: reasonOf(error) });
    }
  }

  /** The other tab is asked to let go; its lock comes to this one then. */
  takeOver(): void {
    const known = installed();
    if (known === undefined || this.phase.at !== "elsewhere") return;
    this.#is({ at: "elsewhere", taking: true });
    this.#tabs.ask(databaseOf(known.user, known.device));
  }

  /** Raises ApiError and Unreachable. `fresh`: the account is made. */
  async signIn({ user, password }: Credentials, fresh: boolean): Promise<void> {
    await this.#signIn(user, password, (client) => (fresh ? client.signUp() : client.signIn()));
  }

  /** With keys of its own, that a signed-in device can let in. */
  async newDevice(): Promise<NewDevice> {
    return NewDevice.make({ device: newDevice(), label: browserName(), wasm: this.#wasm });
  }

  /** This browser is the device that was let in; its user has agreed. */
  async enterLinked(linked: Linked): Promise<void> {
    void this.askToPersist();
    const { user, device } = linked.confirmation;
    const known = { user, device };
    try {
      await linked.install(databaseOf(user, device));
      markInstalled(known);
      await this.#enter(await this.#newClient(known), known);
    } catch (error) {
      forgetInstalled();
      await deleteDatabases(known);
      throw error;
    }
  }

  async forgotPassword(user: string): Promise<void> {
    const client = await this.#newClient({ user, device: newDevice() });
    try {
      await client.forgotPassword();
    } finally {
      await this.#discard(client);
    }
  }

  async resetPassword({ user, password }: Credentials, code: string): Promise<void> {
    await this.#signIn(user, undefined, (client) => client.resetPassword(code, password));
  }

  async #signIn(
    user: string,
    password: string | undefined,
    how: (client: ChatClient) => Promise<void>,
  ): Promise<void> {
    void this.askToPersist(); // this follows a gesture, without which some browsers say no
    const known = { user, device: newDevice() };
    const client = await this.#newClient(known, password);
    try {
      await how(client);
    } catch (error) {
      await this.#discard(client);
      throw error;
    }
    markInstalled(known);
    await this.#enter(client, known);
  }

  async askToPersist(): Promise<void> {
    this.persisted = await navigator.storage?.persist?.();
    this.changed();
  }

  /** Ends this sign-in, or all of the user's; what was here is deleted. */
  async signOut(session: Session, everywhere: boolean): Promise<void> {
    await session.client.signOut(everywhere);
    await this.#left(session);
  }

  async deleteAccount(session: Session, password: string): Promise<void> {
    await session.client.deleteAccount(password);
    await this.#left(session);
  }

  /** The device of this browser is given up; its data, if any is left, is deleted. */
  async forget(): Promise<void> {
    const known = installed();
    forgetInstalled();
    await this.notifications.forget().catch(() => {}); // the browser may have ended it already
    if (known !== undefined) await deleteDatabases(known);
    this.#is({ at: "signed-out" });
  }

  async #left(session: Session): Promise<void> {
    this.#stopListening?.();
    await session.closed();
    location.hash = "#/";
    await this.forget();
  }

  async #enter(client: ChatClient, known: Installation): Promise<void> {
    const drafts = await Drafts.open(pageDatabaseOf(known));
    const session = new Session(client, drafts);
    session.ended = (why) => void this.#ended(session, why);
    this.#stopListening?.();
    this.#stopListening = this.#tabs.listen(databaseOf(known.user, known.device), () => {
      void this.#giveUp(session, known);
    });
    await session.begin();
    this.#is({ at: "in", session });
    // without a connection it is done at the next start
    await this.notifications.resume(client, known).catch(() => {});
  }

  /** Another tab wants the device: this one lets go, and waits for its turn. */
  async #giveUp(session: Session, known: Installation): Promise<void> {
    this.#stopListening?.();
    this.#is({ at: "elsewhere", taking: false });
    await session.close();
    await this.#open(known);
  }

  async #ended(session: Session, why: "signed_out" | "displaced"): Promise<void> {
    if (this.phase.at !== "in" || this.phase.session !== session) return;
    this.#stopListening?.();
    this.#is({ at: "ended", why });
    await session.close().catch(() => {});
  }

  async #newClient(known: Installation, password?: string): Promise<ChatClient> {
    const secret = password === undefined ? {} : { password };
    return ChatClient.open({ ...known, ...secret, wasm: this.#wasm });
  }

  async #discard(client: ChatClient): Promise<void> {
    const { user, device } = client;
    await client.abort();
    await deleteDatabases({ user, device });
  }

  #is(phase: Phase): void {
    this.phase = phase;
    this.changed();
  }
}

async function isFree(name: string): Promise<boolean> {
  return navigator.locks.request(name, { ifAvailable: true }, (lock) => lock !== null);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A sign-in that was not accepted, and not for want of a network. */
export function isUnauthorized(error: unknown): boolean {
  return (error instanceof ApiError && error.status === 401) || error instanceof Removed;
}
