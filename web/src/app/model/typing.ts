/** Typing users by chat, as reported by the backend. */

/** A report is shown for so long. */
const TYPING_MS = 6_000;

export class Typing {
  readonly #typing = new Map<string, Map<string, ReturnType<typeof setTimeout>>>();
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  in(chat: string): string[] {
    return [...(this.#typing.get(chat)?.keys() ?? [])];
  }

  began(chat: string, user: string): void {
    const typing = this.#typing.get(chat) ?? new Map<string, ReturnType<typeof setTimeout>>();
    this.#typing.set(chat, typing);
    clearTimeout(typing.get(user));
    const over = setTimeout(() => {
      typing.delete(user);
      this.#changed();
    }, TYPING_MS);
    typing.set(user, over);
  }

  /** The message that was typed has arrived. */
  ended(chat: string, user: string): void {
    clearTimeout(this.#typing.get(chat)?.get(user));
    this.#typing.get(chat)?.delete(user);
  }
}
