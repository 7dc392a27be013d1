/** The user's own devices: their list, adding one, removing one. */

import { html, nothing } from "lit";
import type { KnownDevice, OwnDevice } from "../../client/index.ts";
import { Newest } from "../model/newest.ts";
import { moment } from "../words/times.ts";
import { words } from "../words/words.ts";
import { header, icon } from "./parts.ts";
import { reasonIn } from "./ui.ts";
import { View } from "./view.ts";

export class Devices extends View {
  #devices: readonly KnownDevice[] = [];
  /** What the backend says of each, by its id. */
  #about: ReadonlyMap<string, OwnDevice> = new Map();
  #problem: string | undefined;
  readonly #loads = new Newest();
  #stop: (() => void) | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#load();
    this.#stop = this.session.client.listen((event) => {
      if (event.type === "device_added" || event.type === "devices_changed") void this.#load();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  async #load(): Promise<void> {
    const counts = this.#loads.begin();
    try {
      const { client } = this.session;
      const devices = await client.devices.of();
      // Fetched after the list, so that each listed device has its name. The list is shown without
      // names too, such as those of an older backend: a lost device has to be removed.
      const about = await client.devices.own().catch(() => undefined);
      if (!counts()) return;
      this.#devices = devices;
      if (about !== undefined) this.#about = new Map(about.map((each) => [each.device, each]));
      this.#problem = undefined;
    } catch (error) {
      if (!counts()) return;
      this.#problem = reasonIn(error);
    }
    this.requestUpdate();
  }

  protected override render() {
    const say = words();
    const { ui, session } = this;
    return html`${header(say.devices, { back: () => ui.go({ at: "settings" }) })}
      <div class="scrolls">
        ${this.#problem === undefined ? nothing : html`<p class="problem" role="alert">${this.#problem}</p>`}
        <ul class="people">
          ${this.#devices.map((each) => this.#device(each))}
        </ul>
        <switchboard-link-device .ui=${ui} .session=${session}></switchboard-link-device>
      </div>`;
  }

  #device({ device, verified }: KnownDevice) {
    const say = words();
    const about = this.#about.get(device);
    const name = about?.label ?? device;
    const own = device === this.session.client.device;
    const when = own || about === undefined ? undefined : this.#seen(about);
    const under = [name === device ? undefined : device, when].filter(Boolean).join(", ");
    return html`<li class="person">
      <span class="empty-sign">${icon("device")}</span>
      <span class="grows"
        ><bdi>${name}</bdi>
        <span class="tag">${own ? say.thisDevice : verified ? say.verified : say.notVerified}</span>
        ${under === "" ? nothing : html`<span class="quiet device-id"><bdi>${under}</bdi></span>`}</span
      >
      ${own ? nothing : this.#remove(device, name === device ? device : `${name} (${device})`)}
    </li>`;
  }

  #seen({ connected, seen }: OwnDevice): string | undefined {
    const say = words();
    if (connected) return say.online;
    return seen === 0 ? undefined : say.lastSeen(moment(seen, Date.now()));
  }

  #remove(device: string, name: string) {
    const say = words();
    return html`<button
      type="button"
      class="danger"
      aria-label="${say.removeDevice}: ${name}"
      @click=${() =>
        this.ui.ask({
          title: say.removeDevice,
          text: say.removeDeviceText(name),
          action: say.removeDevice,
          danger: true,
          run: async () => {
            await this.session.client.devices.remove(device);
            await this.#load();
          },
        })}
    >
      ${say.remove}
    </button>`;
  }
}
