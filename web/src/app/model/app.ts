/**
 * The state of the page as a whole: signing in, opening the device, signing out, and other tabs.
 */

import { ChatClient, databaseOf, type Linked, type NewDevice } from "../../client/index.ts";
import type { Snapshot } from "./calls.ts";
import { Drafts } from "./drafts.ts";
import { Guest } from "./guest.ts";
import { Holder } from "./holder.ts";
import {
  deleteDatabases,
  forgetInstalled,
  type Installation,
  installed,
  isInstalled,
  keysAreThere,
  pageDatabaseOf,
} from "./installation.ts";
import { Model } from "./model.ts";
import { Notifications } from "./notifications.ts";
import { Session } from "./session.ts";
import { type Credentials, SigningIn } from "./signing-in.ts";
import { Tabs } from "./tabs.ts";
import { ifFree, inTurn, leaving } from "./turn.ts";

export type Phase =
  | { readonly at: "opening" }
  | { readonly at: "signed-out" }
  /**
   * Another tab has the device and does not share it, such as a tab of an older page. `taking`: it
   * was asked to close the device.
   */
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

/** A tab of this page responds at once; one of an older page never. */
const RESPONDS_WITHIN_MS = 1_000;

export class App extends Model {
  phase: Phase = { at: "opening" };
  /** Whether the browser keeps what is stored here; undefined until it was asked. */
  persisted: boolean | undefined;
  readonly notifications = new Notifications();
  readonly #wasm: string;
  readonly #signingIn: SigningIn;
  readonly #tabs = new Tabs();
  #stopListening: (() => void) | undefined;
  /** The device that this page has opened; another tab may have made another one meanwhile. */
  #known: Installation | undefined;
  /** While this tab has the device. */
  #holder: Holder | undefined;
  /** Ends a session's wait for the device, while another tab has it. */
  readonly #ends = new WeakMap<Session, AbortController>();
  /** Sessions that this tab is signing out, and what their connections reported meanwhile. */
  readonly #leaving = new Map<Session, "signed_out" | "displaced" | undefined>();
  /** Sessions that were signed out. */
  readonly #over = new WeakSet<Session>();

  /** `wasm`: where olm.wasm is. */
  constructor(wasm: string) {
    super();
    this.#wasm = wasm;
    this.#signingIn = new SigningIn(wasm);
  }

  /** Opens the device that this browser has, or shows how to sign in. */
  async begin(): Promise<void> {
    this.persisted = await navigator.storage?.persisted?.().catch(() => undefined);
    await this.notifications.begin();
    await this.#openInstalled();
  }

  async #openInstalled(): Promise<void> {
    const known = installed();
    this.#known = known;
    if (known === undefined) return this.#is({ at: "signed-out" });
    try {
      if (!(await keysAreThere(known))) return this.#is({ at: "keys-gone", user: known.user });
    } catch (error) {
      return this.#is({ at: "broken", reason: reasonOf(error) }); // not to be read is not gone
    }
    await this.#open(known);
  }

  /**
   * Opens the device of this browser. If another tab has it, this tab works through that one until
   * it is closed; then this tab may get the device's lock.
   */
  async #open(known: Installation): Promise<void> {
    this.#known = known;
    this.#is({ at: "opening" });
    let beside: Beside | undefined;
    try {
      const open = (wait: AbortSignal) => ChatClient.open({ ...known, wasm: this.#wasm, wait });
      let client = await ifFree(known, () => open(new AbortController().signal));
      if (client === undefined) {
        beside = this.#beside(known);
        const { signal } = beside.ends;
        client = await inTurn(known, signal, () => open(signal));
      }
      if (client === undefined) {
        await beside?.guest.close();
        const left = await beside?.session; // its user has left, and may not have reported it
        return await (left === undefined ? this.#forget(known) : this.#left(left));
      }
      await beside?.guest.upToDate(); // the one before may have reported that the sign-in is over
      if (beside?.ends.signal.aborted === true) return await client.close();
      beside?.guest.moveTo(client); // first: the session may wait for what nobody else returns
      const session = await beside?.session;
      if (session === undefined) await this.#enter(client, known);
      else await this.#continueHere(session, known);
    } catch (error) {
      if (beside?.ends.signal.aborted === true) return;
      this.#is({ at: "broken", reason: reasonOf(error) });
    }
  }

  /** Joins the tab that has the device open; `session` is there once that one has responded. */
  #beside(known: Installation): Beside {
    const name = databaseOf(known.user, known.device);
    const ends = new AbortController();
    const beside: Beside = {
      ends,
      session: undefined,
      guest: new Guest(known, name, {
        joined: (now) => {
          if (beside.session !== undefined) void beside.session.then((each) => each?.handedOn(now));
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
    }, RESPONDS_WITHIN_MS);
    return beside;
  }

  async #enterBeside(
    beside: Beside,
    known: Installation,
    now: Snapshot,
  ): Promise<Session | undefined> {
    const { guest, ends } = beside;
    const session = new Session(guest.client, new Drafts(now.drafts));
    try {
      session.changedHere = (change) => guest.notify(change);
      session.ended = (why) => void this.#ended(session, why);
      this.#ends.set(session, ends);
      await session.beginBeside(now);
      ends.signal.throwIfAborted();
      this.#is({ at: "in", session });
      // It waits for the network, and a tab may need this one's session before.
      void this.notifications.resume(guest.client, known).catch(() => {});
      return session;
    } catch {
      // It has ended meanwhile, and this tab gets the device; or it can't share it.
      await session.closed();
      beside.session = undefined;
      if (this.phase.at === "opening") this.#is({ at: "elsewhere", taking: false });
      return undefined;
    }
  }

  /** This tab gets the device, after it has worked through another tab. */
  async #continueHere(session: Session, known: Installation): Promise<void> {
    await session.drafts.moveTo(pageDatabaseOf(known));
    this.#hold(session, known);
    session.takeOver();
  }

  /** Asks the other tab to close the device; this tab gets its lock then. */
  takeOver(): void {
    const known = this.#known;
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
    return this.#signingIn.newDevice();
  }

  /** This browser is the device that was let in; its user has agreed. */
  async enterLinked(linked: Linked): Promise<void> {
    void this.askToPersist();
    await this.#signingIn.linked(linked, ({ client, known }) => this.#enter(client, known));
  }

  async forgotPassword(user: string): Promise<void> {
    await this.#signingIn.forgotPassword(user);
  }

  async resetPassword({ user, password }: Credentials, code: string): Promise<void> {
    await this.#signIn(user, undefined, (client) => client.account.resetPassword(code, password));
  }

  async #signIn(
    user: string,
    password: string | undefined,
    how: (client: ChatClient) => Promise<void>,
  ): Promise<void> {
    void this.askToPersist(); // this follows a gesture, without which some browsers say no
    const { client, known } = await this.#signingIn.signIn(user, password, how);
    await this.#enter(client, known);
  }

  async askToPersist(): Promise<void> {
    this.persisted = await navigator.storage?.persist?.();
    this.changed();
  }

  /** Ends this sign-in, or all of the user's, and deletes the device's data. */
  async signOut(session: Session, everywhere: boolean): Promise<void> {
    await this.#leave(session, () => session.client.signOut(everywhere));
  }

  async deleteAccount(session: Session, password: string): Promise<void> {
    await this.#leave(session, () => session.client.deleteAccount(password));
  }

  /** The connection may end before it is done; that is an end of its own only if it fails. */
  async #leave(session: Session, act: () => Promise<void>): Promise<void> {
    this.#leaving.set(session, undefined);
    this.#holder?.setUserLeaving(true);
    try {
      await this.#leaveAfter(session, act);
    } catch (error) {
      const why = this.#leaving.get(session);
      this.#leaving.delete(session);
      this.#holder?.setUserLeaving(false);
      if (why !== undefined) await this.#ended(session, why);
      throw error;
    }
    this.#leaving.delete(session);
  }

  /** Nobody else opens the device before all of it is deleted. */
  async #leaveAfter(session: Session, act: () => Promise<void>): Promise<void> {
    if (this.#holder === undefined) {
      await act(); // on the tab that has the device
      return this.#left(session);
    }
    await leaving(deviceOf(session), async () => {
      await act();
      this.#holder?.left();
      await this.#left(session);
    });
  }

  /** Forgets the device that this page has opened, and deletes its data, if any is left. */
  async forget(): Promise<void> {
    const known = this.#known;
    if (known === undefined) await this.#openInstalled();
    else await this.#forget(known);
  }

  /** Of the browser's own, what belongs to another device stays, which another tab has made since. */
  async #forget(known: Installation): Promise<void> {
    if (isInstalled(known)) {
      forgetInstalled();
      await this.notifications.forget().catch(() => {}); // the browser may have ended it already
    }
    await deleteDatabases(known);
    // Not waited for: it may take until another tab is closed, and the sign-out is done.
    void this.#openInstalled();
  }

  /** The connection may have ended first, and the session with it: its data is deleted anyway. */
  async #left(session: Session): Promise<void> {
    if (this.#over.has(session)) return;
    this.#over.add(session);
    if (this.phase.at === "in" && this.phase.session === session) {
      this.#letGo(session);
      this.#is({ at: "opening" });
      await session.closed();
      location.hash = "#/";
    }
    await this.#forget(deviceOf(session));
  }

  async #enter(client: ChatClient, known: Installation): Promise<void> {
    this.#known = known;
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

  /** This tab does not have the device any more, and does not wait for it. */
  #letGo(session: Session): void {
    this.#stopListening?.();
    this.#holder?.close();
    this.#holder = undefined;
    this.#ends.get(session)?.abort();
  }

  /**
   * Another tab, of an older page, wants the device: this tab closes it, and waits for its turn.
   */
  async #giveUp(session: Session, known: Installation): Promise<void> {
    this.#letGo(session);
    this.#is({ at: "elsewhere", taking: false });
    await session.close();
    await this.#open(known);
  }

  async #ended(session: Session, why: "signed_out" | "displaced"): Promise<void> {
    if (this.#leaving.has(session)) {
      this.#leaving.set(session, why);
      return;
    }
    const { phase } = this;
    const isJoining = ["opening", "elsewhere"].includes(phase.at) && this.#ends.has(session);
    if (!isJoining && !(phase.at === "in" && phase.session === session)) return;
    this.#holder?.ended(why);
    this.#letGo(session);
    this.#is({ at: "ended", why });
    await session.close().catch(() => {});
  }

  #is(phase: Phase): void {
    this.phase = phase;
    this.changed();
  }
}

function deviceOf({ client: { user, device } }: Session): Installation {
  return { user, device };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
