/**
 * The page's files, kept as one set: a shell always finds the assets that it was built with.
 *
 * A new set is fetched whole or not at all. The one before it stays as long as it may be in use, so a
 * tab that was opened with it goes on working; what is in no set is asked for, and may not be there.
 */

/** The files of this build, by their paths from the page's folder: "" is the shell. */
export interface Build {
  readonly version: string;
  readonly files: readonly string[];
}

const PREFIX = "switchboard.page.";
/** The number of sets that are stored: the one in use and the one before it. */
const KEPT = 2;

export class Assets {
  readonly #caches: CacheStorage;
  readonly #base: string;
  readonly #build: Build;

  /** `base`: the URL of the page's folder. */
  constructor(caches: CacheStorage, base: string, build: Build) {
    this.#caches = caches;
    this.#base = base;
    this.#build = build;
  }

  get #name(): string {
    return PREFIX + this.#build.version;
  }

  #url(file: string): string {
    return new URL(file, this.#base).href;
  }

  /** Raises TypeError where a file could not be fetched: then there is no new set. */
  async install(): Promise<void> {
    const cache = await this.#caches.open(this.#name);
    // the browser asks the server about a name that stays, and only about that
    const requests = this.#build.files.map((file) => {
      const isHashed = file.startsWith("assets/");
      return new Request(this.#url(file), { cache: isHashed ? "default" : "no-cache" });
    });
    try {
      await cache.addAll(requests);
    } catch (error) {
      await this.#caches.delete(this.#name);
      throw error;
    }
  }

  /** Sets are listed in the order in which they were made. */
  async activate(): Promise<void> {
    const names = (await this.#caches.keys()).filter((name) => name.startsWith(PREFIX));
    const others = names.filter((name) => name !== this.#name);
    const old = others.slice(0, Math.max(0, others.length - (KEPT - 1)));
    await Promise.all(old.map((name) => this.#caches.delete(name)));
  }

  /** Whether `respond` has something to do with it: a file of the page, and no call of the API. */
  concerns(request: Request): boolean {
    const { origin, pathname } = new URL(request.url);
    const base = new URL(this.#base);
    if (request.method !== "GET" || origin !== base.origin) return false;
    return pathname.startsWith(base.pathname) && !pathname.startsWith(`${base.pathname}api/`);
  }

  /** The shell of this build, an asset of any kept build, or what the server says. */
  async respond(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const shell = request.mode === "navigate" && pathname === new URL(this.#base).pathname;
    const found = shell
      ? await (await this.#caches.open(this.#name)).match(this.#url(""))
      : await this.#caches.match(request, { ignoreVary: true });
    return found ?? fetch(request);
  }

  /** Where this build has a file of that ending. */
  find(ending: string): string {
    const file = this.#build.files.find((each) => each.endsWith(ending));
    if (file === undefined) throw new Error(`the page has no ${ending}`);
    return this.#url(file);
  }
}
