/**
 * Notifications while the page is closed: the service worker, and the browser's subscription to
 * pushes, which the backend knows. A browser may end a subscription by itself, and the backend's
 * key may be another one: so both are looked at whenever the device is opened.
 */

import type { ChatClient, WebPushSubscription } from "../../client/index.ts";
import { remember } from "../../worker/installation.ts";
import type { Installation } from "./installation.ts";
import { Model } from "./model.ts";

/** "denied": the browser's user has denied them, and only they can take that back. */
export type NotificationState = "unsupported" | "denied" | "off" | "on";

const WORKER = "./worker.js";
const WANTED = "switchboard.notifications";

export class Notifications extends Model {
  state: NotificationState = "unsupported";
  /** A newer page waits to take the place of this one. */
  updateWaits = false;
  #registration: ServiceWorkerRegistration | undefined;

  /** Registers the worker; without one the page works too. */
  async begin(): Promise<void> {
    if (!("serviceWorker" in navigator)) return;
    try {
      this.#registration = await navigator.serviceWorker.register(WORKER, {
        updateViaCache: "none",
      });
    } catch {
      return; // a browser without workers, or an origin that may have none
    }
    this.#watchForUpdate(this.#registration);
    this.#look(false);
  }

  /**
   * Called when the device was opened: makes the browser's subscription and the backend's copy of
   * it agree.
   */
  async resume(client: ChatClient, { user, device }: Installation): Promise<void> {
    await remember({ user, device });
    if (this.#registration === undefined) return;
    if (!isWanted() || Notification.permission !== "granted") {
      return this.#look(false);
    }
    await this.#subscribe(client);
  }

  /** After a gesture. Raises ApiError, Unreachable, and DOMException where there is no push service. */
  async turnOn(client: ChatClient): Promise<void> {
    await Notification.requestPermission();
    if (Notification.permission !== "granted") return this.#look(false);
    localStorage.setItem(WANTED, "");
    await this.#subscribe(client);
  }

  async turnOff(client: ChatClient): Promise<void> {
    localStorage.removeItem(WANTED);
    await (await this.#registration?.pushManager.getSubscription())?.unsubscribe();
    await client.devices.pushTo(undefined);
    this.#look(false);
  }

  /** This browser is no device any more. */
  async forget(): Promise<void> {
    localStorage.removeItem(WANTED);
    await remember(undefined);
    await (await this.#registration?.pushManager.getSubscription())?.unsubscribe();
    for (const each of (await this.#registration?.getNotifications()) ?? []) each.close();
    this.#look(false);
  }

  /** The chat is open here: closes its notification. */
  async seen(chat: string): Promise<void> {
    for (const each of (await this.#registration?.getNotifications({ tag: chat })) ?? []) {
      each.close();
    }
  }

  /** The newer page takes over; this one is loaded again. */
  update(): void {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
    this.#registration?.waiting?.postMessage({ type: "update" });
  }

  async #subscribe(client: ChatClient): Promise<void> {
    const push = (await navigator.serviceWorker.ready).pushManager;
    const key = await client.devices.webPushKey();
    let subscription = await push.getSubscription();
    if (subscription !== null && keyOf(subscription) !== key) {
      await subscription.unsubscribe();
      subscription = null;
    }
    if (!isWanted()) return; // turned off meanwhile
    subscription ??= await push.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    await client.devices.pushTo(partsOf(subscription));
    if (!isWanted()) return this.turnOff(client);
    this.#look(true);
  }

  #look(subscribed: boolean): void {
    const supported = this.#registration !== undefined && "PushManager" in globalThis;
    if (!supported) this.state = "unsupported";
    else if (Notification.permission === "denied") this.state = "denied";
    else this.state = subscribed ? "on" : "off";
    this.changed();
  }

  #watchForUpdate(registration: ServiceWorkerRegistration): void {
    const look = () => {
      // without a controller it is the first worker of this page, and no newer one
      this.updateWaits =
        registration.waiting !== null && navigator.serviceWorker.controller !== null;
      this.changed();
    };
    look();
    registration.addEventListener("updatefound", () => {
      registration.installing?.addEventListener("statechange", look);
    });
  }
}

function isWanted(): boolean {
  return localStorage.getItem(WANTED) !== null;
}

/** In base64url, as the backend writes it. */
function keyOf(subscription: PushSubscription): string | undefined {
  const key = subscription.options.applicationServerKey;
  if (key === null) return undefined;
  const base64 = btoa(String.fromCharCode(...new Uint8Array(key)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function partsOf(subscription: PushSubscription): WebPushSubscription {
  const { endpoint, keys = {} } = subscription.toJSON();
  const { p256dh = "", auth = "" } = keys;
  return { endpoint: endpoint ?? "", p256dh, auth };
}
