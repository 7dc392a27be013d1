/** The base of what views draw: it notifies its watchers when something in it has changed. */
export class Model {
  readonly #watchers = new Set<() => void>();

  /** Called at each change, until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
