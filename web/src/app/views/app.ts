/** The root element: lays out the panes, and decides which of them a narrow screen shows. */

import { html, nothing } from "lit";
import { chatOf, type Route } from "../model/route.ts";
import type { Session } from "../model/session.ts";
import { words } from "../words/words.ts";
import { ChatInfo } from "./chat-info.ts";
import { ChatList } from "./chat-list.ts";
import { Composer } from "./composer.ts";
import { ConversationView } from "./conversation.ts";
import { Devices } from "./devices.ts";
import { Dialogs } from "./dialogs.ts";
import { gate } from "./gates.ts";
import { LinkBar } from "./link-bar.ts";
import { LinkDevice } from "./link-device.ts";
import { LinkingView } from "./linking.ts";
import { messageInfo } from "./message-info.ts";
import { MessageList } from "./message-list.ts";
import { titleOf } from "./names.ts";
import { NewChat } from "./new-chat.ts";
import { empty } from "./parts.ts";
import { requests } from "./requests.ts";
import { SettingsView } from "./settings.ts";
import { SignIn } from "./sign-in.ts";
import type { Ui } from "./ui.ts";
import { Verify } from "./verify.ts";
import { View } from "./view.ts";

const ELEMENTS = {
  "switchboard-sign-in": SignIn,
  "switchboard-chats": ChatList,
  "switchboard-conversation": ConversationView,
  "switchboard-messages": MessageList,
  "switchboard-composer": Composer,
  "switchboard-dialogs": Dialogs,
  "switchboard-link": LinkBar,
  "switchboard-new-chat": NewChat,
  "switchboard-info": ChatInfo,
  "switchboard-verify": Verify,
  "switchboard-settings": SettingsView,
  "switchboard-devices": Devices,
  "switchboard-link-device": LinkDevice,
  "switchboard-linking": LinkingView,
} as const;

for (const [name, element] of Object.entries(ELEMENTS)) customElements.define(name, element);

export class SwitchboardApp extends View {
  /** The one of this page. */
  static ui: Ui;
  #route: Route | undefined;

  constructor() {
    super();
    this.ui = SwitchboardApp.ui;
  }

  protected override render() {
    const { ui } = this;
    const { phase } = ui.app;
    this.follow(ui, ui.session);
    return html`${
      phase.at === "in"
        ? this.#panes(phase.session)
        : phase.at === "signed-out"
          ? html`<switchboard-sign-in .ui=${ui}></switchboard-sign-in>`
          : gate(phase, ui)
    }
      <switchboard-dialogs .ui=${ui}></switchboard-dialogs>
      <div class="notice" role="status">${ui.notice === undefined ? nothing : html`<p>${ui.notice}</p>`}</div>`;
  }

  #panes(session: Session) {
    const { route } = this.ui;
    return html`<main class="panes" data-shown=${shown(route)}>
      <switchboard-link .ui=${this.ui} .session=${session}></switchboard-link>
      <section class="pane left" aria-label=${words().chats}>${this.#left(session)}</section>
      <section class="pane middle" aria-label=${words().messages}>${this.#middle(session)}</section>
      ${this.#side(session)}
    </main>`;
  }

  #left(session: Session) {
    const { ui } = this;
    switch (ui.route.at) {
      case "new":
      case "new-group":
        return html`<switchboard-new-chat
          .ui=${ui}
          .session=${session}
          .group=${ui.route.at === "new-group"}
        ></switchboard-new-chat>`;
      case "requests":
        return requests(ui, session);
      case "settings":
        return html`<switchboard-settings .ui=${ui} .session=${session}></switchboard-settings>`;
      case "devices":
        return html`<switchboard-devices .ui=${ui} .session=${session}></switchboard-devices>`;
      default:
        return html`<switchboard-chats .ui=${ui} .session=${session}></switchboard-chats>`;
    }
  }

  #middle(session: Session) {
    const chat = chatOf(this.ui.route);
    // On a wide screen the chat stays beside the settings.
    const kept = chat === undefined && this.ui.route.at !== "list";
    if (session.open === undefined || (session.open.chat !== chat && !kept)) {
      return empty("lock", words().pickChat, words().pickChatText);
    }
    return html`<switchboard-conversation
      .ui=${this.ui}
      .session=${session}
      .conversation=${session.open}
    ></switchboard-conversation>`;
  }

  #side(session: Session) {
    const { ui } = this;
    const { route } = ui;
    if (chatOf(route) === undefined || route.at === "chat") return nothing;
    const inside = () => {
      switch (route.at) {
        case "info":
          return html`<switchboard-info
            .ui=${ui}
            .session=${session}
            .chat=${route.chat}
          ></switchboard-info>`;
        case "message":
          return messageInfo(ui, session, route.messageId);
        case "verify":
          return html`<switchboard-verify
            .ui=${ui}
            .session=${session}
            .chat=${route.chat}
            .user=${route.user}
          ></switchboard-verify>`;
        default:
          return nothing;
      }
    };
    return html`<section class="pane side" aria-label=${words().chatInfo}>${inside()}</section>`;
  }

  /** The chat in the address is opened, and the page has its name. */
  protected override updated(): void {
    const { session, route } = this.ui;
    const chat = chatOf(route);
    const wanted = chat !== undefined || route.at === "list";
    if (session !== undefined && wanted && session.open?.chat !== chat && this.#route !== route) {
      this.#route = route;
      this.ui.run(() => session.openChat(chat));
      if (chat !== undefined) this.ui.run(() => this.ui.app.notifications.seen(chat));
    }
    const entry = chat === undefined ? undefined : session?.entry(chat);
    const unread = session?.chats.reduce((sum, each) => sum + each.unread, 0) ?? 0;
    const count = unread > 0 ? `(${unread}) ` : "";
    const name =
      entry === undefined || session === undefined ? "" : `${titleOf(entry, session)} · `;
    document.title = `${count}${name}${words().app}`;
  }
}

function shown(route: Route): "left" | "middle" | "side" {
  if (chatOf(route) === undefined) return "left";
  return route.at === "chat" ? "middle" : "side";
}
