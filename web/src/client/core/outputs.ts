/** Outputs of the engine: the acts to carry out once a step is on disk. */

import type { Content } from "../crypto/envelope.ts";
import type { Request } from "./cipher.ts";
import type { Event } from "./events.ts";
import type { Message } from "./frames.ts";

export type Output =
  | { readonly type: "event"; readonly event: Event }
  /** Send this text on the open connection. */
  | { readonly type: "transmit"; readonly text: string }
  /** Leave the open connection. `planned`: its time was over, so connect again at once. */
  | { readonly type: "drop"; readonly reason: string; readonly planned: boolean }
  /** Leave the open connection and do not connect again. */
  | { readonly type: "stop" }
  /** Ask the backend, and call `fetchSucceeded` or `fetchFailed`. */
  | { readonly type: "fetch"; readonly request: Request }
  /** A step of an emoji comparison has come. */
  | { readonly type: "sas"; readonly message: Message; readonly content: SasContent };

export type SasContent = Extract<Content, { kind: "sas" }>;
/** What one device is sent that nobody else gets, beside keys and copies. */
export type ToDeviceContent = Extract<Content, { kind: "sas" | "content" }>;
