/** The parser of server frames. Unknown types and unknown fields are no error. */

import { FrameError, mapping } from "./fields.ts";
import { PARSERS, type ServerFrame } from "./frames.generated.ts";

/**
 * The frame in `text`, or undefined for a type this client does not know.
 *
 * Raises FrameError when the text is not a JSON object or a field has the wrong type.
 */
export function parse(text: string): ServerFrame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FrameError("not JSON");
  }
  const frame = mapping(value);
  if (frame.type === undefined && "requestId" in frame) {
    // API Gateway's own: the function failed, timed out or was throttled
    return {
      type: "error",
      code: "internal",
      message: String(frame.message ?? ""),
      messageId: undefined,
      action: undefined,
      chat: undefined,
      retryAfter: undefined,
    };
  }
  return typeof frame.type === "string" ? PARSERS.get(frame.type)?.(frame) : undefined;
}
