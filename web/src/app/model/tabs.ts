/**
 * The request to the tab that has a device open to close it. Only the device's lock decides which
 * tab has it.
 */

const CHANNEL = "switchboard.tabs";

export class Tabs {
  readonly #channel = new BroadcastChannel(CHANNEL);

  /** `giveUp` is called when another tab wants the device; until the returned function is called. */
  listen(database: string, giveUp: () => void): () => void {
    const heard = ({ data }: MessageEvent<unknown>) => {
      if (data === database) giveUp();
    };
    this.#channel.addEventListener("message", heard);
    return () => this.#channel.removeEventListener("message", heard);
  }

  ask(database: string): void {
    this.#channel.postMessage(database);
  }
}
