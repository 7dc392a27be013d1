/** The order of what is asked for: a response that comes late takes no place of a newer one. */

export class Newest {
  #begun = 0;
  #counted = 0;

  /** Gives whether the response counts: not if one to something that was asked for later has counted. */
  begin(): () => boolean {
    this.#begun += 1;
    const number = this.#begun;
    return () => {
      if (number < this.#counted) return false;
      this.#counted = number;
      return true;
    };
  }

  /** Nothing that was asked for so far counts any more. */
  forget(): void {
    this.#begun += 1;
    this.#counted = this.#begun;
  }
}
