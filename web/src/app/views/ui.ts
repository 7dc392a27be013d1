/**
 * The object that every view is given: the page's state, its route, dialogs and messages to the
 * user.
 */

import {
  ApiError,
  CannotLink,
  FileDamaged,
  FileGone,
  MessageTooLarge,
  NotAMember,
  type StoredMessage,
  StoreUnavailable,
  Unreachable,
} from "../../client/index.ts";
import type { App } from "../model/app.ts";
import { HandedOver } from "../model/guest.ts";
import { Model } from "../model/model.ts";
import { go, parseRoute, type Route } from "../model/route.ts";
import type { Session } from "../model/session.ts";
import { within } from "../words/times.ts";
import { words } from "../words/words.ts";

/** A question before something that is not taken back, or one field to fill in. */
export interface Question {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly danger?: boolean;
  readonly field?: {
    readonly label: string;
    readonly type: "text" | "password";
    readonly value?: string;
  };
  /** What is done; the dialog stays open, with the reason, where it raises. */
  readonly run: (typed: string) => Promise<void> | void;
}

/** A short list of things to do with something. */
export interface Menu {
  readonly title: string;
  readonly items: readonly { readonly label: string; readonly run: () => void }[];
  /** Reactions to choose from, above the items, and the one that is chosen already. */
  readonly emoji?: readonly string[];
  readonly chosen?: string | undefined;
  readonly react?: (emoji: string) => void;
}

const NOTICE_MS = 6_000;
/** A longer time to wait is named. */
const MOMENT_S = 60;

export class Ui extends Model {
  readonly app: App;
  route: Route = parseRoute(location.hash);
  question: Question | undefined;
  menu: Menu | undefined;
  /** The message whose picture is shown as large as the window. */
  looking: StoredMessage | undefined;
  notice: string | undefined;
  #session: Session | undefined;
  #noticeOver: ReturnType<typeof setTimeout> | undefined;

  constructor(app: App) {
    super();
    this.app = app;
    app.watch(() => {
      if (this.session !== this.#session) this.dismiss(); // what was asked was the other user's
      this.#session = this.session;
      this.changed();
    });
    addEventListener("hashchange", () => {
      this.route = parseRoute(location.hash);
      this.dismiss(); // what was asked was asked where the user has been
    });
  }

  get session(): Session | undefined {
    return this.app.phase.at === "in" ? this.app.phase.session : undefined;
  }

  go(route: Route): void {
    go(route);
  }

  /** Goes to a page after something that took time, unless the user went elsewhere or left meanwhile. */
  goAfter(): (route: Route) => void {
    const { route: from, session } = this;
    return (route) => {
      if (this.route === from && this.session === session) this.go(route);
    };
  }

  ask(question: Question): void {
    this.question = question;
    this.changed();
  }

  choose(menu: Menu): void {
    this.menu = menu;
    this.changed();
  }

  /** Opens the picture of a message, and fetches it if it is not here. */
  look(message: StoredMessage): void {
    if (message.content?.kind !== "file") return;
    this.looking = message;
    void this.session?.files.fetch(message);
    this.changed();
  }

  dismiss(): void {
    this.looking = undefined;
    this.question = undefined;
    this.menu = undefined;
    this.changed();
  }

  say(text: string): void {
    this.notice = text;
    clearTimeout(this.#noticeOver);
    this.#noticeOver = setTimeout(() => {
      this.notice = undefined;
      this.changed();
    }, NOTICE_MS);
    this.changed();
  }

  /** Does it, and says why if it does not work, unless the user has left meanwhile. */
  run(act: () => Promise<unknown>): void {
    const { session } = this;
    void act().catch((error: unknown) => {
      if (this.session === session) this.say(reasonIn(error));
    });
  }
}

/** A sentence for the user. */
export class Problem extends Error {}

/** Does it; what the backend rejects with this code is reported in this sentence, which knows more. */
export async function orSay(
  code: string,
  sentence: string,
  act: () => Promise<unknown>,
): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw error instanceof ApiError && error.code === code ? new Problem(sentence) : error;
  }
}

/** What went wrong, in a sentence for the user. */
export function reasonIn(error: unknown): string {
  const say = words();
  if (error instanceof Problem) return error.message;
  if (error instanceof HandedOver) return say.handedOver;
  if (error instanceof CannotLink) return say.notLinked[error.reason];
  if (error instanceof Unreachable) return say.unreachable;
  if (error instanceof MessageTooLarge) return say.tooLong;
  if (error instanceof NotAMember) return say.notMember;
  if (error instanceof StoreUnavailable) return say.notKept;
  if (error instanceof FileGone) return say.fileGone;
  if (error instanceof FileDamaged) return say.fileDamaged;
  if (error instanceof ApiError) {
    const { code, detail, retryAfter = 0 } = error;
    if (code === "rate_limited" && retryAfter > MOMENT_S) return say.tooOften(within(retryAfter));
    return errorIn(code) ?? say.failed(detail);
  }
  return say.failed(error instanceof Error ? error.message : String(error));
}

/** The sentence for a code of the protocol; undefined for one that this page does not know. */
export function errorIn(code: string): string | undefined {
  return Object.entries(words().errors).find(([each]) => each === code)?.[1];
}

/** The same for what the page tries again by itself. */
export function waitsIn(code: string): string | undefined {
  return Object.entries(words().goesOn).find(([each]) => each === code)?.[1] ?? errorIn(code);
}

/**
 * Why a message or a file was not sent, or `waits` to be: `reason` begins with the code, as the
 * client keeps it.
 */
export function whyFailed(reason: string, waits = false): string {
  return (waits ? waitsIn : errorIn)(reason.split(":", 1)[0] ?? "") ?? reason;
}
