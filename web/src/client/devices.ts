/** Devices of users as a client sees them: lists, linking a new one, where pushes go. */

import { ignored } from "./base.ts";
import type { OwnDevice, WebPushSubscription } from "./core/bodies.generated.ts";
import type { KnownDevice } from "./crypto/identities.ts";
import { Linking } from "./linking.ts";
import { MessageMethods } from "./messages.ts";
import * as tables from "./store/tables.ts";

/** The part of ChatClient for devices; whom to trust is in `verification`. */
export abstract class DeviceMethods extends MessageMethods {
  /** What this device remembers of the user's devices that the directory lists now, this one first. */
  async devices(user = this.user): Promise<KnownDevice[]> {
    const { listed, memory } = await this.directory.seen(user);
    const others = memory.filter(({ device }) => listed.has(device));
    if (user !== this.user) return others;
    const { device, keys } = this.self;
    const own = { user, device, keys, pending: undefined, verified: true, trustedAt: this.madeAt };
    return [own, ...others];
  }

  /** This user's devices with their names and when they were seen, this one among them. */
  async ownDevices(): Promise<readonly OwnDevice[]> {
    return this.api.ownDevices();
  }

  /** Removes a device of this user: nothing is sent to it any more. */
  async removeDevice(device: string): Promise<void> {
    await this.api.removeDevice(device);
    await this.directory.seen(this.user).catch(ignored); // the others hear of it by themselves
  }

  /** Letting a new device of this user in. */
  get linking(): Linking {
    return new Linking(this.self, this.api, this.driver, this.directory);
  }

  /** When this device was registered, epoch ms by the backend's clock: older texts are not for it. */
  async registeredAt(): Promise<number | undefined> {
    const read = () => this.store.get(tables.account, tables.ONLY);
    return (await this.driver.read(read))?.registeredAt;
  }

  /** The `applicationServerKey` with which this browser subscribes to pushes. */
  async webPushKey(): Promise<string> {
    return this.api.webPushKey();
  }

  /** Pushes for this device go to that subscription of the browser; undefined: there are none. */
  async pushTo(subscription: WebPushSubscription | undefined): Promise<void> {
    await this.account.pushTo(subscription);
  }
}
