/** A WebSocket to the backend whose frames go past its faults. */

export type Fields = Record<string, unknown>;
/** Instead of the truth: another response or frame, or an HTTP status with a body. */
export type Lie = Fields | [number, unknown];

const PlainSocket = globalThis.WebSocket;

/** What a socket knows of its backend: the faults, and where frames are noted. */
interface Faults {
  readonly sockets: Map<string, FaultySocket>;
  readonly sent: string[];
  readonly frames: Fields[];
  readonly lies: ReadonlyMap<string, (truth: Fields, to: string) => Lie | Promise<Lie>>;
  readonly online: boolean;
  readonly quiet: boolean;
  readonly stuck: boolean;
  readonly pending: Promise<unknown>;
  tried: number;
  loseSend: number;
  failSend: number;
  loseAccepted: number;
  deviceOf(ticket: string): string;
}

export class FaultySocket {
  static readonly OPEN = 1;
  readyState = 0;
  bufferedAmount = 0;
  onopen: (() => void) | undefined;
  onclose: ((event: { code: number; reason: string }) => void) | undefined;
  onerror: (() => void) | undefined;
  onmessage: ((event: { data: string }) => void) | undefined;
  readonly #backend: Faults;
  readonly #name: string;
  #real: WebSocket | undefined;

  constructor(backend: Faults, url: string, protocols: string[]) {
    this.#backend = backend;
    this.#name = backend.deviceOf((protocols[1] ?? "").replace("ticket.", ""));
    backend.tried += 1;
    if (!backend.stuck) void this.#open(url, protocols);
  }

  async #open(url: string, protocols: string[]): Promise<void> {
    await this.#backend.pending;
    if (!this.#backend.online || this.readyState !== 0) return this.close();
    const real = new PlainSocket(url, protocols);
    this.#real = real;
    real.onopen = () => {
      if (this.readyState !== 0) return;
      this.readyState = 1;
      this.#backend.sockets.set(this.#name, this);
      this.onopen?.();
    };
    real.onmessage = ({ data }) => this.#arrived(JSON.parse(String(data)) as Fields);
    // after the frames that came before it
    real.onclose = ({ code, reason }) => setTimeout(() => this.#ended(code, reason));
  }

  send(text: string): void {
    const backend = this.#backend;
    const frame = JSON.parse(text) as Fields;
    backend.frames.push({ ...frame, device: this.#name });
    if (frame.action === "send") {
      backend.sent.push(text);
      if (backend.loseSend > 0) {
        backend.loseSend -= 1;
        this.close();
        return;
      }
      if (backend.failSend > 0) {
        backend.failSend -= 1;
        const { message_id } = frame;
        this.deliver({ type: "error", code: "too_large", message: "no", message_id });
        return;
      }
    }
    void backend.pending.then(() => {
      if (this.readyState === 1) this.#real?.send(text);
    });
  }

  #arrived(frame: Fields): void {
    const backend = this.#backend;
    if (frame.type === "devices_changed" && backend.quiet) return;
    if (frame.type === "accepted" && backend.loseAccepted > 0) {
      backend.loseAccepted -= 1;
      this.close();
      return;
    }
    const lie = backend.lies.get(String(frame.type))?.(frame, this.#name);
    this.deliver((lie as Fields | undefined) ?? frame);
  }

  /** A frame for the client, from the backend or from a test. */
  deliver(frame: object): void {
    setTimeout(() => {
      if (this.readyState === 1) this.onmessage?.({ data: JSON.stringify(frame) });
    });
  }

  close(): void {
    this.#ended(1006, "");
  }

  #ended(code: number, reason: string): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    setTimeout(() => this.onclose?.({ code, reason }));
    this.#real?.close();
    if (this.#backend.sockets.get(this.#name) === this) this.#backend.sockets.delete(this.#name);
  }
}
