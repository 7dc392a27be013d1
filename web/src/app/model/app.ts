/** The page as a whole: signing in, opening the device, and what ends either. */

import {
  ApiError,
  ChatClient,
  databaseOf,
  type Linked,
  NewDevice,
  Removed,
} from "../../client/index.ts";
import type { Snapshot } from "./calls.ts";
import { Drafts } from "./drafts.ts";
import { Guest } from "./guest.ts";
import { Holder } from "./holder.ts";
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
  /** Another tab has the device and does not share it, as one of an older page. `taking`: it has been asked to let go. */
  | { readonly at: "elsewhere"; readonly taking: boolean }
  | { readonly at: "keys-gone"; readonly user: string }
  | { readonly at: "broken"; readonly reason: string }
  | { readonly at: "ended"; readonly why: "signed_out" | "displaced" }
  | { readonly at: "in"; readonly session: Session };

/** A tab without the device. */
interface Beside {
  readonly guest: Guest;
  readonly ends: AbortController;
  session: Promise<Session | undefined> | undefined;
}

/** A tab of this page answers at once; one of an older page never. */
const ANSWERS_WITHIN_MS = 1_000;

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
  /** While this tab has the device. */
  #holder: Holder | undefined;
  /** What ends the wait for the device, of a session beside another tab's. */
  readonly #ends = new WeakMap<Session, AbortController>();

  /** `wasm`: where olm.wasm is. */
  constructor(wasm: string) {
    super();
    this.#wasm = wasm;
  }

  /** What this browser has, or the way to sign in. */
  async begin(): Promise<void> {
    this.persisted = await navigator.storage?.persisted?.().catch(() => undefined);
    await this.notifications.begin();
    const known = installed();
    if (known === undefined) return this.#is({ at: "signed-out" });
    try {
      if (!(await keysAreThere(known))) return this.#is({ at: "keys-gone", user: known.user });
    } catch (error) {
      return this.#is({ at: "broken", reason: reasonOf(error) }); // not to be read is not gone
    }
    await this.#open(known);
  }

  /**
   * Opens what this browser has. Where another tab has it, this one works through that one, until it
   * ends: then the device's lock is handed on.
   */
  async #open(known: Installation): Promise<void> {
    this.#is({ at: "opening" });
    const name = databaseOf(known.user, known.device);
    const beside = (await isFree(name)) ? undefined : this.#beside(known, name);
    try {
      const wait = beside?.ends.signal ?? new AbortController().signal;
      const open = () => ChatClient.open({ ...known, wasm: this.#wasm, wait });
      const client = await (beside === undefined ? open() : inTurn(name, wait, open));
      if (client === undefined) {
        const left = await beside?.session; // its user has left, and may not have said so
        return left === undefined ? this.forget() : this.#left(left);
      }
      const session = await beside?.session;
      if (beside === undefined || session === undefined) {
        await beside?.guest.close();
        await this.#enter(client, known);
      } else await this.#goOn(beside.guest, client, session, known);
    } catch (error) {
      if (beside?.ends.signal.aborted === true) return;
      this.#is({ at: "broken", reason: reasonOf(error) });
    }
  }

  /** Takes part in what another tab has open; `session` is there once that one has answered. */
  #beside(known: Installation, name: string): Beside {
    const ends = new AbortController();
    const beside: Beside = {
      ends,
      session: undefined,
      guest: new Guest(known, name, {
        joined: (now) => {
          if (beside.session !== undefined)
            void beside.session.then((each) => each?.isElsewhere(now));
          else beside.session = this.#enterBeside(beside, known, now);
        },
        changed: (change) => void beside.session?.then((each) => each?.changedElsewhere(change)),
        linkIs: (link) => void beside.session?.then((each) => each?.linkIs(link)),
        left: () => void beside.session?.then((each) => each && this.#left(each)),
      }),
    };
    setTimeout(() => {
      if (beside.session === undefined && this.phase.at === "opening") {
        this.#is({ at: "elsewhere", taking: false });
      }
    }, ANSWERS_WITHIN_MS);
    return beside;
  }

  async #enterBeside(
    { guest, ends }: Beside,
    known: Installation,
    now: Snapshot,
  ): Promise<Session | undefined> {
    try {
      const session = new Session(guest.client, new Drafts(now.drafts));
      session.changedHere = (change) => guest.tell(change);
      session.ended = (why) => void this.#ended(session, why);
      this.#ends.set(session, ends);
      await session.beginBeside(now);
      this.#is({ at: "in", session });
      await this.notifications.resume(guest.client, known).catch(() => {});
      return session;
    } catch {
      return undefined; // it has ended meanwhile: this tab gets the device
    }
  }

  /** The device has been handed on to this tab, which has worked through another one. */
  async #goOn(
    guest: Guest,
    client: ChatClient,
    session: Session,
    known: Installation,
  ): Promise<void> {
    guest.moveTo(client);
    await session.drafts.moveTo(pageDatabaseOf(known));
    this.#hold(session, known);
    session.goOn();
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
    await this.#leave(session, () => session.client.signOut(everywhere));
  }

  async deleteAccount(session: Session, password: string): Promise<void> {
    await this.#leave(session, () => session.client.deleteAccount(password));
  }

  /** Nobody else opens the device before all of it is deleted. */
  async #leave(session: Session, act: () => Promise<void>): Promise<void> {
    if (this.#holder === undefined) {
      await act(); // on the tab that has the device
      return this.#left(session);
    }
    const name = databaseOf(session.user, session.client.device);
    await navigator.locks.request(leavingOf(name), async () => {
      await act();
      this.#holder?.left();
      await this.#left(session);
    });
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
    if (this.phase.at !== "in" || this.phase.session !== session) return;
    this.#letGo(session);
    this.#is({ at: "opening" });
    await session.closed();
    location.hash = "#/";
    await this.forget();
  }

  async #enter(client: ChatClient, known: Installation): Promise<void> {
    const drafts = await Drafts.open(pageDatabaseOf(known));
    const session = new Session(client, drafts);
    session.ended = (why) => void this.#ended(session, why);
    this.#hold(session, known);
    await session.begin();
    this.#is({ at: "in", session });
    // without a connection it is done at the next start
    await this.notifications.resume(client, known).catch(() => {});
  }

  /** This tab has the device, also for the others. */
  #hold(session: Session, known: Installation): void {
    const name = databaseOf(known.user, known.device);
    this.#stopListening?.();
    this.#stopListening = this.#tabs.listen(name, () => void this.#giveUp(session, known));
    this.#holder = new Holder(name, session, {
      signOut: (everywhere) => this.signOut(session, everywhere),
      deleteAccount: (password) => this.deleteAccount(session, password),
    });
  }

  /** This tab has the device no more, and waits for it no more. */
  #letGo(session: Session): void {
    this.#stopListening?.();
    this.#holder?.close();
    this.#holder = undefined;
    this.#ends.get(session)?.abort();
  }

  /** Another tab, of an older page, wants the device: this one lets go, and waits for its turn. */
  async #giveUp(session: Session, known: Installation): Promise<void> {
    this.#letGo(session);
    this.#is({ at: "elsewhere", taking: false });
    await session.close();
    await this.#open(known);
  }

  async #ended(session: Session, why: "signed_out" | "displaced"): Promise<void> {
    if (this.phase.at !== "in" || this.phase.session !== session) return;
    this.#letGo(session);
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

const leavingOf = (name: string) => `${name}/leaving`;

/**
 * Opens the device once the tab that had it has ended, and has deleted what it had if its user has left:
 * then there is none. One tab after another waits for that, so that each looks when it is its turn.
 */
async function inTurn<T>(
  name: string,
  signal: AbortSignal,
  open: () => Promise<T>,
): Promise<T | undefined> {
  return navigator.locks.request(`${name}/turn`, { signal }, async () => {
    await navigator.locks.request(name, { signal }, () => {});
    await navigator.locks.request(leavingOf(name), { mode: "shared", signal }, () => {});
    return installed() === undefined ? undefined : open();
  });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A sign-in that was not accepted, and not for want of a network. */
export function isUnauthorized(error: unknown): boolean {
  return (error instanceof ApiError && error.status === 401) || error instanceof Removed;
}
