/** The user's own devices: which there are, adding one, removing one. */

import { html, nothing } from "lit";
import type { KnownDevice } from "../../client/index.ts";
import { words } from "../words/words.ts";
import { header, icon } from "./parts.ts";
import { reasonIn } from "./ui.ts";
import { View } from "./view.ts";

export class Devices extends View {
  #devices: readonly KnownDevice[] = [];
  #problem: string | undefined;
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
    try {
      this.#devices = await this.session.client.devices();
      this.#problem = undefined;
    } catch (error) {
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
          ${this.#devices.map(({ device, verified }) => {
            const own = device === session.client.device;
            return html`<li class="person">
              <span class="empty-sign">${icon("device")}</span>
              <span class="grows"
                ><bdi>${device}</bdi>
                <span class="tag"
                  >${own ? say.thisDevice : verified ? say.verified : say.notVerified}</span
                ></span
              >
              ${own ? nothing : this.#remove(device)}
            </li>`;
          })}
        </ul>
        <switchboard-link-device .ui=${ui} .session=${session}></switchboard-link-device>
      </div>`;
  }

  #remove(device: string) {
    const say = words();
    return html`<button
      type="button"
      class="danger"
      aria-label="${say.removeDevice}: ${device}"
      @click=${() =>
        this.ui.ask({
          title: say.removeDevice,
          text: say.removeDeviceText(device),
          action: say.removeDevice,
          danger: true,
          run: async () => {
            await this.session.client.removeDevice(device);
            await this.#load();
          },
        })}
    >
      ${say.remove}
    </button>`;
  }
}
