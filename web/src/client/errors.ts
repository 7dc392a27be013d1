/** The errors of the client, all below ClientError. */

export class ClientError extends Error {
  override readonly name: string = "ClientError";
}

/**
 * The backend rejected a call. `code` as in the protocol, `status` the HTTP status, `retryAfter`
 * (seconds) how long the backend asks to wait.
 */
export class ApiError extends ClientError {
  override readonly name = "ApiError";
  readonly code: string;
  readonly status: number;
  /** As the backend says it, in English: for programs. */
  readonly detail: string;
  readonly retryAfter: number | undefined;

  constructor(code: string, message: string, status: number, retryAfter?: number) {
    super(
      `${message} (${code}, ${status}${retryAfter === undefined ? "" : `, in ${retryAfter} s`})`,
    );
    this.code = code;
    this.detail = message;
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later. */
  get fault(): boolean {
    return this.status >= 500;
  }
}

/** Another device of the user has removed this one. */
export class Removed extends ClientError {
  override readonly name = "Removed";
}

/** No response: nothing listens there, the network is gone, or it took too long. */
export class Unreachable extends ClientError {
  override readonly name = "Unreachable";
}

/** This device's state cannot be used; the message says why. */
export class StoreError extends ClientError {
  override readonly name: string = "StoreError";
}

/** The disk is full, or reading or writing failed: nothing has changed, and it is worth another try. */
export class StoreUnavailable extends StoreError {
  override readonly name = "StoreUnavailable";
}

export type NotLinked = "no_code" | "expired" | "used" | "false" | "here";

const NOT_LINKED: Readonly<Record<NotLinked, string>> = {
  no_code: "this is no code of a new device: it has 32 letters and digits",
  expired: "this code has expired, or is none: have the new device show another one",
  used: "somebody has used this code already: have the new device show another one",
  false: "what came for this code does not belong to it, so the device is not linked",
  here: "this user has a device here already",
};

/** A device is not linked; the reason says why. */
export class CannotLink extends ClientError {
  override readonly name = "CannotLink";
  readonly reason: NotLinked;

  constructor(reason: NotLinked) {
    super(NOT_LINKED[reason]);
    this.reason = reason;
  }
}

/** The user is no longer in the chat: what was written there can be read, and nothing be added. */
export class NotAMember extends ClientError {
  override readonly name = "NotAMember";

  constructor() {
    super("you are no longer a member of this chat");
  }
}

/** It would have no effect for others; the message says why. */
export class CannotWrite extends ClientError {
  override readonly name = "CannotWrite";
}

export class MessageTooLarge extends ClientError {
  override readonly name = "MessageTooLarge";

  constructor(size: number, limit: number) {
    super(`a message has at most ${limit} bytes on the wire, this one ${size}; send it in parts`);
  }
}

/** Files are stored as long as messages; this one has expired, or never arrived. */
export class FileGone extends ClientError {
  override readonly name = "FileGone";

  constructor() {
    super("the file is no longer there");
  }
}

/** The content is not the file that its sender encrypted: nothing of it may be shown. */
export class FileDamaged extends ClientError {
  override readonly name = "FileDamaged";

  constructor() {
    super("the file that came is not the one that was sent; it is not shown");
  }
}

/** The client is closed, displaced or signed out. */
export class Closed extends ClientError {
  override readonly name = "Closed";
}
