/** The state of the connection, as the page shows it. */

import type { Event } from "../../client/index.ts";

/** An error's code, and its message as the backend says it. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

export type Link =
  | { readonly at: "connecting" }
  | { readonly at: "catching-up" }
  | { readonly at: "connected" }
  /**
   * `until`: when the next attempt begins, and `notBefore`: before which none may, both in epoch ms;
   * `rejected`: why the backend rejected the last.
   */
  | {
      readonly at: "waiting";
      readonly until: number;
      readonly notBefore: number;
      readonly rejected?: Reason | undefined;
    }
  | { readonly at: "stopped" };

/** The state after `event`; undefined if the event does not concern the connection. */
export function linkAfter(event: Event, now: number): Link | undefined {
  switch (event.type) {
    case "connected":
      return { at: "catching-up" };
    case "caught_up":
      return { at: "connected" };
    case "disconnected":
      if (event.retryIn === undefined) return { at: "stopped" };
      return { at: "waiting", until: now + event.retryIn, notBefore: now + (event.wait ?? 0) };
    case "signed_out":
    case "displaced":
      return { at: "stopped" };
    default:
      return undefined;
  }
}

/** Whether the user may have the next attempt made at once: never before the backend allows it. */
export function mayConnectNow(link: Link, now: number): boolean {
  return link.at === "waiting" && now >= link.notBefore;
}

/**
 * The code with which the backend takes no texts now. Of anything else the client takes care by
 * itself, or its message says that it failed.
 */
export function problemAfter(event: Event, before: string | undefined): string | undefined {
  if (event.type === "server_error" && event.action === "send") return event.code;
  return event.type === "state" || event.type === "caught_up" ? undefined : before;
}
