/**
 * The global scope of a service worker. TypeScript's library for workers can't stand beside that for
 * pages, which this code shares, so what is used here is declared here.
 */

export interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}

export interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

export interface Pushed extends Extendable {
  readonly data: { json(): unknown } | null;
}

export interface Clicked extends Extendable {
  readonly notification: Notification;
}

export interface Messaged extends Extendable {
  readonly data: unknown;
}

export interface WindowClient {
  readonly url: string;
  focus(): Promise<WindowClient>;
  navigate(url: string): Promise<WindowClient | null>;
  postMessage(message: unknown, ports?: readonly MessagePort[]): void;
}

interface Events {
  install: Extendable;
  activate: Extendable;
  fetch: Fetching;
  push: Pushed;
  pushsubscriptionchange: Extendable;
  notificationclick: Clicked;
  message: Messaged;
}

export interface Scope {
  readonly registration: ServiceWorkerRegistration;
  readonly location: Location;
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: { type: "window"; includeUncontrolled: boolean }): Promise<WindowClient[]>;
    openWindow(url: string): Promise<WindowClient | null>;
  };
  skipWaiting(): Promise<void>;
  addEventListener<Name extends keyof Events>(
    name: Name,
    listener: (event: Events[Name]) => void,
  ): void;
}

export const scope = globalThis as unknown as Scope;
