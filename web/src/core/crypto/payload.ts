/** The payload strings of `send` and `message` frames. */

import type { OlmMessage } from "./olm.ts";

export const OLM = "olm.v1";
export const MEGOLM = "megolm.v1";

const OLM_PAYLOAD = /^([01])\.([A-Za-z0-9+/]+)$/;
const MEGOLM_PAYLOAD = /^([A-Za-z0-9+/]+)\.([A-Za-z0-9+/]+)$/;

export function olmPayload(message: OlmMessage): string {
  return `${message.type}.${message.body}`;
}

export function parseOlm(payload: string): OlmMessage | undefined {
  const match = OLM_PAYLOAD.exec(payload);
  if (match?.[2] === undefined) return undefined;
  return { type: match[1] === "0" ? 0 : 1, body: match[2] };
}

export function megolmPayload(sessionId: string, body: string): string {
  return `${sessionId}.${body}`;
}

export function parseMegolm(payload: string): { sessionId: string; body: string } | undefined {
  const match = MEGOLM_PAYLOAD.exec(payload);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { sessionId: match[1], body: match[2] };
}
