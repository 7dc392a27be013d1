/**
 * Signing in on this browser: makes a client of a new device, and deletes its data if that fails.
 */

import {
  ApiError,
  ChatClient,
  databaseOf,
  type Linked,
  NewDevice,
  Removed,
} from "../../client/index.ts";
import {
  browserName,
  deleteDatabases,
  forgetInstalled,
  type Installation,
  markInstalled,
  newDevice,
} from "./installation.ts";

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** What signs in, and what it signed in as. */
export interface SignedIn {
  readonly client: ChatClient;
  readonly known: Installation;
}

/** Each needs to know where olm.wasm is. */
export class SigningIn {
  readonly #wasm: string;

  constructor(wasm: string) {
    this.#wasm = wasm;
  }

  /** Raises what `how` raises: ApiError and Unreachable. */
  async signIn(
    user: string,
    password: string | undefined,
    how: (client: ChatClient) => Promise<void>,
  ): Promise<SignedIn> {
    const known = { user, device: newDevice() };
    const client = await this.#newClient(known, password);
    try {
      await how(client);
    } catch (error) {
      await discard(client);
      throw error;
    }
    markInstalled(known);
    return { client, known };
  }

  /** With keys of its own, that a signed-in device can let in. */
  async newDevice(): Promise<NewDevice> {
    return NewDevice.make({ device: newDevice(), label: browserName(), wasm: this.#wasm });
  }

  /** This browser is the device that was let in, once `enter` has succeeded; its user has agreed. */
  async linked(linked: Linked, enter: (signedIn: SignedIn) => Promise<void>): Promise<void> {
    const { user, device } = linked.confirmation;
    const known = { user, device };
    try {
      await linked.install(databaseOf(user, device));
      markInstalled(known);
      await enter({ client: await this.#newClient(known), known });
    } catch (error) {
      forgetInstalled();
      await deleteDatabases(known);
      throw error;
    }
  }

  async forgotPassword(user: string): Promise<void> {
    const client = await this.#newClient({ user, device: newDevice() });
    try {
      await client.account.forgotPassword();
    } finally {
      await discard(client);
    }
  }

  async #newClient(known: Installation, password?: string): Promise<ChatClient> {
    const secret = password === undefined ? {} : { password };
    return ChatClient.open({ ...known, ...secret, label: browserName(), wasm: this.#wasm });
  }
}

async function discard(client: ChatClient): Promise<void> {
  const { user, device } = client;
  await client.abort();
  await deleteDatabases({ user, device });
}

/** Whether the backend rejected the sign-in: by its code, as a firewall responds with 401 as well. */
export function isUnauthorized(error: unknown): boolean {
  return (error instanceof ApiError && error.code === "unauthorized") || error instanceof Removed;
}
