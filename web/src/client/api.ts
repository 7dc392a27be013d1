/** The REST side of the protocol: one method for each route. */

import * as bodies from "./core/bodies.generated.ts";
import type { Listing } from "./core/cipher.ts";
import { type Fields, FrameError, listOf, mapping, optional, text } from "./core/fields.ts";
import type { Random } from "./core/random.ts";
import { ApiError } from "./errors.ts";
import { type Call, Requests, type Tokens } from "./requests.ts";

export interface KnownChat extends bodies.ListedChat {
  readonly kind: "direct" | "group";
}

/** Calls raise ApiError or Unreachable. */
export class Api {
  readonly #requests: Requests;
  readonly #saved: (tokens: Tokens) => Promise<void>;
  readonly #signInAgain: (() => Promise<unknown>) | undefined;

  /** `base`: where the load balancer is, "" for the page's own origin. */
  constructor(
    base: string,
    tokens: Tokens,
    random: Random,
    saved: (tokens: Tokens) => Promise<void>,
    signInAgain?: () => Promise<unknown>,
  ) {
    this.#requests = new Requests(base, tokens, random, () => this.#renew());
    this.#saved = saved;
    this.#signInAgain = signInAgain;
  }

  get tokens(): Tokens {
    return this.#requests.tokens;
  }

  // -- accounts and tokens

  async signUp(username: string, password: string): Promise<void> {
    const body = { username, password };
    await this.#requests.call({ method: "POST", path: "/api/sign-up", body, open: true }, nothing);
  }

  async signIn(username: string, password: string): Promise<void> {
    const tokens = await this.signInAnew(username, password);
    await this.#keep({ access: tokens.accessToken, refresh: tokens.refreshToken });
  }

  /** A sign-in beside the one that is used here. */
  async signInAnew(username: string, password: string): Promise<bodies.SignInResponse> {
    const body = { username, password };
    const call: Call = { method: "POST", path: "/api/sign-in", body, open: true, repeat: true };
    return this.#requests.call(call, bodies.parseSignInResponse);
  }

  /** Ends a sign-in that `signInAnew` has made. */
  async endSignIn({ accessToken, refreshToken }: bodies.SignInResponse): Promise<void> {
    const body: bodies.SignOutRequest = { refresh_token: refreshToken };
    const call: Call = { method: "POST", path: "/api/sign-out", body, repeat: true };
    await this.#requests.withToken(accessToken, call, bodies.parseSignOutResponse);
  }

  /** A new access token for the refresh token. Raises ApiError 401 if there is none. */
  async refresh(): Promise<void> {
    const { refresh } = this.tokens;
    if (refresh === undefined) throw new ApiError("unauthorized", "not signed in", 401);
    const body = { refresh_token: refresh };
    const call: Call = { method: "POST", path: "/api/token", body, open: true, repeat: true };
    const { accessToken } = await this.#requests.call(call, bodies.parseTokenResponse);
    await this.#keep({ access: accessToken, refresh });
  }

  /** Ends all other sign-ins of the user. Not repeated: the old password is wrong by then. */
  async changePassword(username: string, password: string, newPassword: string): Promise<void> {
    const body: bodies.PasswordRequest = { username, password, new_password: newPassword };
    const call: Call = { method: "POST", path: "/api/password", body, open: true };
    const tokens = await this.#requests.call(call, bodies.parsePasswordResponse);
    await this.#keep({ access: tokens.accessToken, refresh: tokens.refreshToken });
  }

  async setEmail(email: string, password: string): Promise<void> {
    const body: bodies.EmailRequest = { email, password };
    const call: Call = { method: "PUT", path: "/api/account/email", body };
    await this.#requests.call(call, bodies.parseEmailResponse);
  }

  async confirmEmail(code: string): Promise<void> {
    const body: bodies.EmailCodeRequest = { code };
    const call: Call = { method: "POST", path: "/api/account/email/confirm", body };
    await this.#requests.call(call, bodies.parseEmailCodeResponse);
  }

  async forgotPassword(username: string): Promise<void> {
    const body: bodies.ResetRequest = { username };
    const call: Call = { method: "POST", path: "/api/password/reset", body, open: true };
    await this.#requests.call(call, bodies.parseResetResponse);
  }

  /** Ends all other sign-ins of the user. Not repeated: a code is valid once. */
  async resetPassword(username: string, code: string, newPassword: string): Promise<void> {
    const body: bodies.ResetCodeRequest = { username, code, new_password: newPassword };
    const call: Call = { method: "POST", path: "/api/password/reset/confirm", body, open: true };
    const tokens = await this.#requests.call(call, bodies.parseResetCodeResponse);
    await this.#keep({ access: tokens.accessToken, refresh: tokens.refreshToken });
  }

  /** Ends this sign-in and removes the device; `everywhere` all sign-ins and devices. */
  async signOut(device: string | undefined, everywhere = false): Promise<void> {
    const { refresh } = this.tokens;
    const body: bodies.SignOutRequest = {
      ...(everywhere ? { everywhere } : {}),
      ...(device === undefined ? {} : { device }),
      ...(refresh === undefined ? {} : { refresh_token: refresh }),
    };
    await this.#requests.call(
      { method: "POST", path: "/api/sign-out", body },
      bodies.parseSignOutResponse,
    );
  }

  /** False if the backend had no time for all of it: it is to be repeated. */
  async deleteAccount(username: string, password: string): Promise<boolean> {
    const body: bodies.DeleteAccountRequest = { username, password };
    const call: Call = { method: "POST", path: "/api/account/delete", body, open: true };
    return (await this.#requests.call(call, bodies.parseDeleteAccountResponse)).done;
  }

  /** Everything that the backend has stored of the account. */
  async account(): Promise<bodies.StoredItem[]> {
    const found: bodies.StoredItem[] = [];
    let cursor: string | undefined;
    do {
      const query = cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;
      const call: Call = { method: "GET", path: `/api/account${query}`, repeat: true };
      const page = await this.#requests.call(call, bodies.parseAccountResponse);
      found.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  }

  // -- devices and keys

  async register(
    device: string,
    registration: bodies.DeviceRequest,
  ): Promise<bodies.DeviceResponse> {
    const path = `/api/devices/${encodeURIComponent(device)}`;
    const call: Call = { method: "PUT", path, body: registration, repeat: true };
    return this.#requests.call(call, bodies.parseDeviceResponse);
  }

  async removeDevice(device: string): Promise<void> {
    const path = `/api/devices/${encodeURIComponent(device)}`;
    await this.#requests.call({ method: "DELETE", path, repeat: true }, nothing);
  }

  async devices(user: string): Promise<Listing> {
    const path = `/api/users/${encodeURIComponent(user)}/devices`;
    return this.#requests.call({ method: "GET", path, repeat: true }, devicesOf);
  }

  async ownDevices(): Promise<readonly bodies.OwnDevice[]> {
    const call: Call = { method: "GET", path: "/api/devices", repeat: true };
    return (await this.#requests.call(call, bodies.parseOwnDevicesResponse)).devices;
  }

  /** The key with which a browser subscribes to pushes. */
  async webPushKey(): Promise<string> {
    const call: Call = { method: "GET", path: "/api/web-push-key", repeat: true };
    return (await this.#requests.call(call, bodies.parseWebPushKeyResponse)).key;
  }

  /** The number of the device's keys that the directory has now. */
  async uploadKeys(
    device: string,
    body: bodies.OneTimeKeysRequest,
  ): Promise<bodies.OneTimeKeysResponse> {
    // The same keys a second time do no harm: the directory passes over what it has seen.
    const path = `/api/devices/${encodeURIComponent(device)}/one-time-keys`;
    const call: Call = { method: "POST", path, body, repeat: true };
    return this.#requests.call(call, bodies.parseOneTimeKeysResponse);
  }

  /** Not repeated: each call uses keys up. */
  async claim(devices: readonly string[]): Promise<Map<string, bodies.ClaimedKey>> {
    const call: Call = { method: "POST", path: "/api/keys/claim", body: { devices } };
    return this.#requests.call(call, claimedOf);
  }

  // -- linking a device

  /** Returns for how long the offer is valid, ms. */
  async offerLink(body: bodies.LinkRequest): Promise<number> {
    const call: Call = { method: "POST", path: "/api/links", body, open: true, repeat: true };
    return (await this.#requests.call(call, bodies.parseLinkResponse)).expiresIn;
  }

  async linkOffer(code: string): Promise<bodies.LinkOfferResponse> {
    const call: Call = { method: "GET", path: `/api/links/${code}`, repeat: true };
    return this.#requests.call(call, bodies.parseLinkOfferResponse);
  }

  async confirmLink(code: string, body: bodies.ConfirmLinkRequest): Promise<void> {
    const path = `/api/links/${code}/confirm`;
    const call: Call = { method: "POST", path, body, repeat: true };
    await this.#requests.call(call, bodies.parseConfirmLinkResponse);
  }

  async linkConfirmation(code: string): Promise<bodies.LinkConfirmationResponse> {
    const path = `/api/links/${code}/confirmation`;
    const call: Call = { method: "GET", path, open: true, repeat: true };
    return this.#requests.call(call, bodies.parseLinkConfirmationResponse);
  }

  // -- chats

  /** Two users have one direct chat, however often it is asked for. */
  async direct(user: string): Promise<bodies.ChatResponse> {
    const body: bodies.ChatRequest = { kind: "direct", with: user };
    const call: Call = { method: "POST", path: "/api/chats", body, repeat: true };
    return this.#requests.call(call, bodies.parseChatResponse);
  }

  /** A new one: one for each `requestId`, however often the request has to be repeated. */
  async group(members: readonly string[], requestId?: string): Promise<bodies.ChatResponse> {
    const request_id = requestId ?? crypto.randomUUID();
    const body: bodies.ChatRequest = { kind: "group", members, request_id };
    const call: Call = { method: "POST", path: "/api/chats", body, repeat: true };
    return this.#requests.call(call, bodies.parseChatResponse);
  }

  async chats(): Promise<KnownChat[]> {
    const found: KnownChat[] = [];
    let cursor: string | undefined;
    do {
      const query = cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;
      const call: Call = { method: "GET", path: `/api/chats${query}`, repeat: true };
      const page = await this.#requests.call(call, chatsOf);
      found.push(...page.chats);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  }

  async changeMembers(
    chat: string,
    add: readonly string[],
    remove: readonly string[],
  ): Promise<readonly string[]> {
    const body: bodies.MembersRequest = {
      ...(add.length > 0 ? { add } : {}),
      ...(remove.length > 0 ? { remove } : {}),
    };
    const path = `/api/chats/${encodeURIComponent(chat)}/members`;
    const call: Call = { method: "POST", path, body, repeat: true };
    return (await this.#requests.call(call, bodies.parseMembersResponse)).members;
  }

  /** To groups, by the chat's id; the first hundred. */
  async invitations(): Promise<readonly bodies.Invitation[]> {
    const call: Call = { method: "GET", path: "/api/chats?limit=1", repeat: true };
    return (await this.#requests.call(call, bodies.parseChatsResponse)).invitations ?? [];
  }

  /** Joins a group, or accepts a request; the members then. */
  async accept(chat: string): Promise<readonly string[]> {
    const call: Call = { method: "POST", path: chatPath(chat, "accept"), repeat: true };
    return (await this.#requests.call(call, bodies.parseAcceptResponse)).members;
  }

  async decline(chat: string): Promise<void> {
    await this.#requests.call({ method: "POST", path: chatPath(chat, "decline") }, nothing);
  }

  async leave(chat: string): Promise<void> {
    await this.#requests.call({ method: "POST", path: chatPath(chat, "leave") }, nothing);
  }

  async changeAdmins(chat: string, body: bodies.AdminsRequest): Promise<bodies.AdminsResponse> {
    const call: Call = { method: "POST", path: chatPath(chat, "admins"), body, repeat: true };
    return this.#requests.call(call, bodies.parseAdminsResponse);
  }

  /** No pushes until then, in epoch seconds. */
  async mute(chat: string, until: number): Promise<void> {
    const path = chatPath(chat, "mute");
    await this.#requests.call({ method: "PUT", path, body: { until }, repeat: true }, nothing);
  }

  // -- files

  /** A form by which a file of `size` bytes is put into the bucket, and the file's id. */
  async fileForm(chat: string, size: number): Promise<bodies.FileResponse> {
    const call: Call = {
      method: "POST",
      path: chatPath(chat, "files"),
      body: { size },
      repeat: true,
    };
    return this.#requests.call(call, bodies.parseFileResponse);
  }

  async fileUrl(chat: string, file: string): Promise<bodies.DownloadResponse> {
    const path = chatPath(chat, `files/${encodeURIComponent(file)}`);
    return this.#requests.call({ method: "GET", path, repeat: true }, bodies.parseDownloadResponse);
  }

  // -- contacts and settings

  async contacts(): Promise<readonly bodies.Contact[]> {
    const call: Call = { method: "GET", path: "/api/contacts", repeat: true };
    return (await this.#requests.call(call, bodies.parseContactsResponse)).contacts;
  }

  async setContact(user: string, state: "contact" | "blocked"): Promise<void> {
    const path = `/api/contacts/${encodeURIComponent(user)}`;
    await this.#requests.call({ method: "PUT", path, body: { state }, repeat: true }, nothing);
  }

  async removeContact(user: string): Promise<void> {
    const path = `/api/contacts/${encodeURIComponent(user)}`;
    await this.#requests.call({ method: "DELETE", path, repeat: true }, nothing);
  }

  async settings(): Promise<bodies.SettingsResponse> {
    const call: Call = { method: "GET", path: "/api/settings", repeat: true };
    return this.#requests.call(call, bodies.parseSettingsResponse);
  }

  async changeSettings(body: bodies.SettingRequest): Promise<bodies.SettingsResponse> {
    const call: Call = { method: "PUT", path: "/api/settings", body, repeat: true };
    return this.#requests.call(call, bodies.parseSettingsResponse);
  }

  async ticket(device: string): Promise<bodies.TicketResponse> {
    const call: Call = { method: "POST", path: "/api/tickets", body: { device }, repeat: true };
    return this.#requests.call(call, bodies.parseTicketResponse);
  }

  // -- tokens

  async #renew(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      const over = error instanceof ApiError && error.code === "unauthorized";
      if (!over || this.#signInAgain === undefined) throw error;
      await this.#signInAgain();
    }
  }

  async #keep(tokens: Tokens): Promise<void> {
    this.#requests.tokens = tokens;
    await this.#saved(tokens);
  }
}

function chatPath(chat: string, act: string): string {
  return `/api/chats/${encodeURIComponent(chat)}/${act}`;
}

function nothing(): void {}

/** By the device's name. A malformed entry is left out, and the others are read. */
function devicesOf(response: Fields): Listing {
  const former = Array.isArray(response.former) ? response.former : [];
  return {
    devices: sound(response.devices, bodies.parseSignedDevice),
    former: [...sound({ ...former }, bodies.parseFormerDevice).values()],
  };
}

/** By `user/device`. A malformed entry is left out, and the others are read. */
function claimedOf(response: Fields): Map<string, bodies.ClaimedKey> {
  return sound(response.keys, bodies.parseClaimedKey);
}

/** One page of the user's chats. Those of a kind that this client does not know are passed over. */
function chatsOf(response: Fields): { chats: KnownChat[]; cursor: string | undefined } {
  const known = listOf(mapping)(response.chats).flatMap((entry): KnownChat[] => {
    const { kind } = entry;
    return kind === "direct" || kind === "group"
      ? [{ ...bodies.parseListedChat(entry), kind }]
      : [];
  });
  return { chats: known, cursor: optional(text, undefined)(response.cursor) };
}

function sound<T>(value: unknown, read: (entry: unknown) => T): Map<string, T> {
  const found = new Map<string, T>();
  for (const [name, entry] of Object.entries(mapping(value))) {
    try {
      found.set(name, read(entry));
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
    }
  }
  return found;
}
