/** Devices of users as a client sees them: lists, removing one, where pushes go. */

import type { OwnDevice, WebPushSubscription } from "./core/bodies.generated.ts";
import type { KnownDevice } from "./crypto/identities.ts";
import * as tables from "./store/tables.ts";
import type { ThisDevice } from "./this-device.ts";

/** Trust in devices is in verification.ts. */
export class Devices {
  readonly #device: ThisDevice;

  constructor(device: ThisDevice) {
    this.#device = device;
  }

  /** What this device remembers of the user's devices that the directory lists now, this one first. */
  async of(user = this.#device.user): Promise<KnownDevice[]> {
    const { directory, self, madeAt } = this.#device;
    const { listed, memory } = await directory.seen(user);
    const others = memory.filter(({ device }) => listed.has(device));
    if (user !== self.user) return others;
    const { device, keys } = self;
    const own = { user, device, keys, pending: undefined, verified: true, trustedAt: madeAt };
    return [own, ...others];
  }

  /** This user's devices with their names and when they were seen, this one among them. */
  async own(): Promise<readonly OwnDevice[]> {
    return this.#device.api.ownDevices();
  }

  /** Removes a device of this user: nothing is sent to it any more. */
  async remove(device: string): Promise<void> {
    const { api, directory, user } = this.#device;
    await api.removeDevice(device);
    await directory.seen(user).catch(() => {}); // other devices are notified by the backend
  }

  /** When this device was registered, epoch ms by the backend's clock: older texts are not for it. */
  async registeredAt(): Promise<number | undefined> {
    const { driver, store } = this.#device;
    return (await driver.read(() => store.get(tables.account, tables.ONLY)))?.registeredAt;
  }

  /** The `applicationServerKey` with which this browser subscribes to pushes. */
  async webPushKey(): Promise<string> {
    return this.#device.api.webPushKey();
  }

  /** Pushes for this device go to that subscription of the browser; undefined: there are none. */
  async pushTo(subscription: WebPushSubscription | undefined): Promise<void> {
    await this.#device.account.pushTo(subscription);
  }
}
