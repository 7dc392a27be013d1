/** A signed-in device: its client, its list of chats, and the state that the page shows of it. */

import type {
  ChatClient,
  Event,
  Invitation,
  KnownChat,
  Profile,
  Reference,
  StoredMessage,
} from "../../client/index.ts";
import type { Change, Ongoing, Presence, Snapshot } from "./calls.ts";
import { ChatEntries, type ChatEntry } from "./chat-entries.ts";
import { Connecting } from "./connecting.ts";
import { Conversation } from "./conversation.ts";
import type { Drafts } from "./drafts.ts";
import { Files } from "./files.ts";
import { type Link, linkAfter, mayConnectNow, problemAfter } from "./link.ts";
import { Model } from "./model.ts";
import { Newest } from "./newest.ts";
import { peopleOf } from "./people.ts";
import { Typing } from "./typing.ts";

export class Session extends Model {
  readonly client: ChatClient;
  readonly drafts: Drafts;
  link: Link = { at: "connecting" };
  /** As the backend lists them; empty until it has been asked. */
  listed: ReadonlyMap<string, KnownChat> = new Map();
  invitations: readonly Invitation[] = [];
  blocked: ReadonlySet<string> = new Set();
  open: Conversation | undefined;
  /** The chat that is to be open: the last one that was requested. */
  #opening: string | undefined;
  readonly presence = new Map<string, Presence>();
  readonly files: Files;
  readonly profiles = new Map<string, Profile>();
  readonly comparisons = new Map<string, Ongoing>();
  /** Users whose changed keys are not accepted. */
  readonly changedKeys = new Set<string>();
  /** The code with which the backend takes no texts now, until there is news of one. */
  problem: string | undefined;
  /** Nothing can be written on this device. */
  storeFailing = false;
  registeredAt: number | undefined;
  /** The sign-in is over; set once. */
  ended: ((why: "signed_out" | "displaced") => void) | undefined;
  /** Called with what is changed on this tab, for the others of the device. */
  changedHere: ((change: Change) => void) | undefined;

  readonly #list: ChatEntries;
  readonly #peopleAsked = new Newest();
  readonly #typing = new Typing(() => this.changed());
  /** When something last came into a chat, ms of performance.now(). */
  readonly #arrivals = new Map<string, number>();
  readonly #connecting: Connecting;
  readonly #stop: () => void;

  constructor(client: ChatClient, drafts: Drafts) {
    super();
    this.client = client;
    this.drafts = drafts;
    this.files = new Files(client);
    this.#list = new ChatEntries(client, () => this.#listRefreshed());
    this.#connecting = new Connecting(
      client,
      (link) => this.linkIs(link),
      () => this.ended?.("signed_out"),
    );
    this.#stop = client.listen((event) => this.#heard(event));
    drafts.typedHere = (chat, draft) => this.changedHere?.({ type: "draft", chat, draft });
  }

  get user(): string {
    return this.client.user;
  }

  /** Shows the stored chats first; then connects, and stays connected. */
  async begin(): Promise<void> {
    await this.#restore();
    void this.#connect();
  }

  /** The same on a tab without the device, while another tab has it and is connected. */
  async beginBeside(now: Snapshot): Promise<void> {
    await this.#restore();
    this.isElsewhere(now);
    void this.refreshPeople().catch(() => {}); // it is asked again with the next connection
  }

  /** This tab has the device from now on. */
  takeOver(): void {
    this.#list.watchAnew();
    this.#readAgain();
    void this.#connect();
  }

  /** Another tab has the device from now on: it is sent what was typed here meanwhile. */
  handedOn(now: Snapshot): void {
    this.isElsewhere(now);
    this.#readAgain();
    this.drafts.handedOn(now.drafts);
  }

  /** Reads again what the tab before may have changed without an event. */
  #readAgain(): void {
    this.#list.refreshAllLater();
    void this.files.restore().catch(() => {}); // the store reports it by itself
    this.open?.refresh("all");
  }

  async #restore(): Promise<void> {
    await this.#list.refresh();
    await this.files.restore();
    this.registeredAt = await this.client.devices.registeredAt();
  }

  /** The state that is in no store, for a tab that joins. */
  get now(): Snapshot {
    const { link, problem, presence, comparisons, changedKeys, storeFailing, drafts } = this;
    return { link, problem, presence, comparisons, changedKeys, storeFailing, drafts: drafts.all };
  }

  /** Takes over the state of the tab that has the device. */
  isElsewhere({ link, problem, presence, comparisons, changedKeys, storeFailing }: Snapshot): void {
    for (const [user, is] of presence) this.presence.set(user, is);
    for (const [user, is] of comparisons) this.comparisons.set(user, is);
    for (const user of changedKeys) this.changedKeys.add(user);
    this.problem = problem;
    this.storeFailing = storeFailing;
    this.linkIs(link);
  }

  /** Another tab of the device has changed it. */
  changedElsewhere(change: Change): void {
    if (change.type === "draft") this.drafts.typedElsewhere(change.chat, change.draft);
    else if (change.type === "accepted") {
      this.changedKeys.delete(change.user);
      this.changed();
    } else {
      this.#list.refreshLater(change.chat);
      if (this.open?.chat === change.chat) this.open.refresh(change.what);
    }
  }

  async close(): Promise<void> {
    this.#leave();
    await this.client.close();
    await this.drafts.close();
  }

  /** After the client has closed itself: it was signed out, or its account deleted. */
  async closed(): Promise<void> {
    this.#leave();
    await this.drafts.close();
  }

  #leave(): void {
    this.#stop();
    this.#connecting.close();
    this.#list.close();
    this.files.close();
  }

  // -- the connection

  async #connect(): Promise<void> {
    if (!(await this.#connecting.connect())) return;
    this.registeredAt = await this.client.devices.registeredAt().catch(() => undefined);
    await this.refreshPeople().catch(() => {});
  }

  /** The next attempt is made now, if the backend allows it. */
  connectNow(): void {
    if (!mayConnectNow(this.link, Date.now())) return;
    this.linkIs({ at: "connecting" });
    this.#connecting.connectNow();
  }

  linkIs(link: Link): void {
    this.link = link;
    this.changed();
  }

  // -- chats

  get chats(): readonly ChatEntry[] {
    return this.#list.entries;
  }

  entry(chat: string): ChatEntry | undefined {
    return this.#list.entry(chat);
  }

  /** The other user of a direct chat. */
  peer(chat: string): string | undefined {
    return this.#list.peer(chat);
  }

  async openChat(chat: string | undefined): Promise<void> {
    this.#opening = chat;
    if (this.open?.chat === chat) return;
    this.open = undefined;
    if (chat === undefined) return this.changed();
    const conversation = await Conversation.open(this.client, chat, this.#arrivals.get(chat) ?? 0);
    if (this.#opening !== chat) return;
    this.open = conversation;
    conversation.lastArrival = this.#arrivals.get(chat) ?? 0;
    conversation.refresh("tail"); // what came meanwhile was reported to no one
    this.changed();
    // A chat without messages is known only to the device that made it; the list is fetched again
    // with the next connection. A request may have been accepted on another device.
    if (this.entry(chat) === undefined || this.isRequest(chat))
      void this.refreshPeople().catch(() => {});
  }

  /** Adds a chat that was just made or joined to the list, before it returns. */
  async known(chat: string): Promise<void> {
    await this.#list.refresh(chat);
  }

  /** The list has been read again. */
  async #listRefreshed(): Promise<void> {
    const seen = [this.user, ...this.chats.flatMap(({ members }) => members)];
    await this.#loadProfiles(new Set(seen.filter((user) => !this.profiles.has(user))));
    await this.#list.watchPeers();
    this.changed();
    // It is asked again with the next connection.
    if (this.#list.hasUnknown(this.listed)) void this.refreshPeople().catch(() => {});
  }

  // -- writing: each returns when it is kept here, and raises what Writing does

  async send(chat: string, text: string, reply?: Reference): Promise<void> {
    await this.client.send(chat, text, reply);
    this.#wrote(chat, "tail");
  }

  /** null takes the reaction back. */
  async react({ chat, reference }: StoredMessage, emoji: string | null): Promise<void> {
    await this.client.writing.react(chat, reference, emoji);
    this.#wrote(chat, "all");
  }

  async edit({ chat, reference }: StoredMessage, text: string): Promise<void> {
    await this.client.writing.edit(chat, reference, text);
    this.#wrote(chat, "all");
  }

  async delete({ chat, reference }: StoredMessage): Promise<void> {
    await this.client.writing.delete(chat, reference);
    this.#wrote(chat, "all");
  }

  /** Changes the chat's name, picture or timer. */
  async describe(
    chat: string,
    { name, picture, timer }: { name?: string; picture?: string | null; timer?: number },
  ): Promise<void> {
    const { writing } = this.client;
    if (name !== undefined) await writing.setName(chat, name);
    if (picture !== undefined) await writing.setPicture(chat, picture);
    if (timer !== undefined) await writing.setTimer(chat, timer);
    this.#wrote(chat, "tail");
  }

  async setProfile(name: string | null, picture: string | null): Promise<void> {
    await this.client.writing.setProfile(name, picture);
    await this.#loadProfiles([this.user]);
  }

  /** No changed keys of the user wait to be accepted: the warnings on all tabs go. */
  accepted(user: string): void {
    this.changedElsewhere({ type: "accepted", user });
    this.changedHere?.({ type: "accepted", user });
  }

  #wrote(chat: string, what: "tail" | "all"): void {
    this.changedElsewhere({ type: "wrote", chat, what });
    this.changedHere?.({ type: "wrote", chat, what });
  }

  // -- who they are

  /** The name that the user has chosen, or else the user name. */
  nameOf(user: string): string {
    return this.profiles.get(user)?.name ?? user;
  }

  pictureOf(user: string): string | undefined {
    return this.profiles.get(user)?.picture;
  }

  async #loadProfiles(users: Iterable<string>): Promise<void> {
    for (const user of users) this.profiles.set(user, await this.client.writing.profile(user));
    this.changed();
  }

  /** Who types in the chat now. */
  typing(chat: string): string[] {
    return this.#typing.in(chat);
  }

  /** The user has seen everything in the chat up to `seq`. */
  async sawUpTo(chat: string, seq: number): Promise<void> {
    if (seq <= (this.entry(chat)?.read ?? 0)) return;
    await this.client.messages.markRead(chat, seq);
    this.#list.refreshLater(chat);
    this.changedHere?.({ type: "wrote", chat, what: "tail" });
  }

  /** Fetches what only the backend stores: requests, invitations, admins, mutes, blocks. */
  async refreshPeople(): Promise<void> {
    const counts = this.#peopleAsked.begin();
    const people = await peopleOf(this.client);
    if (!counts()) return;
    Object.assign(this, people);
    this.changed();
    // Of a chat that a stranger has begun, the client has heard the text and not who is in it.
    const unknown = this.chats.some(({ kind, left }) => kind === undefined && !left);
    // A chat that was opened by its address may have no messages yet.
    const opened = this.#opening !== undefined && this.entry(this.#opening) === undefined;
    if (unknown || opened) {
      await this.client.chats.refresh();
      await this.#list.refresh();
    }
  }

  isRequest(chat: string): boolean {
    return this.listed.get(chat)?.request === true;
  }

  /** The requests that wait for an answer, without those of users who were declined or blocked. */
  get requests(): ChatEntry[] {
    const waits = ({ chat }: ChatEntry) =>
      this.isRequest(chat) && this.listed.get(chat)?.blocked !== true;
    return this.chats.filter(waits);
  }

  /** `now`: epoch ms; the backend has seconds. */
  isMuted(chat: string, now: number): boolean {
    return (this.listed.get(chat)?.mutedUntil ?? 0) * 1000 > now;
  }

  #heard(event: Event): void {
    const link = linkAfter(event, Date.now());
    if (link !== undefined) {
      this.link = link;
      if (link.at === "waiting") this.presence.clear(); // not known without a connection
    }
    if ("chat" in event && event.chat !== undefined) {
      this.#list.refreshLater(event.chat);
      if (event.chat === this.open?.chat) this.open.heard(event);
    }
    this.problem = problemAfter(event, this.problem);
    this.files.heard(event);
    this.#react(event);
    this.changed();
  }

  #react(event: Event): void {
    switch (event.type) {
      case "presence":
        this.presence.set(event.user, { online: event.online, lastSeen: event.lastSeen });
        return;
      case "typing":
        this.#typing.began(event.chat, event.user);
        return;
      case "message":
        this.#typing.ended(event.chat, event.sender);
        if (!event.own) this.#arrivals.set(event.chat, performance.now());
        else if (this.isRequest(event.chat)) void this.refreshPeople().catch(() => {}); // an answer
        return;
      case "caught_up":
      case "chat_changed":
      case "invited":
        void this.refreshPeople().catch(() => {});
        return;
      case "comparison":
        this.comparisons.set(event.comparison.peer.name, event);
        return;
      case "profile_changed":
        void this.#loadProfiles([event.user]).catch(() => {}); // the store reports it by itself
        return;
      case "identity_changed":
        this.changedKeys.add(event.user);
        return;
      case "held":
        for (const user of event.users) this.changedKeys.add(user);
        return;
      case "store_failing":
      case "store_working":
        this.storeFailing = event.type === "store_failing";
        return;
      case "signed_out":
      case "displaced":
        this.ended?.(event.type);
    }
  }
}
