/** The pane about a chat: its members and their rights, its mute, leaving and blocking. */

import { html, nothing, type TemplateResult } from "lit";
import type { ChatEntry } from "../model/chat-entries.ts";
import { moment, period } from "../words/times.ts";
import { words } from "../words/words.ts";
import { select } from "./controls.ts";
import { isUser, pictureOf, titleOf, usersIn } from "./names.ts";
import { avatar, header, icon, round } from "./parts.ts";
import { picturePicker } from "./pictures.ts";
import { orSay } from "./ui.ts";
import { GIVEN, View } from "./view.ts";

const HOUR_S = 3_600;
const FOR_EVER = 99_999_999_999;
/** After which messages disappear: an hour, a day, a week, 90 days. */
const TIMES = [3_600, 86_400, 604_800, 7_776_000];
const RULES = ["add", "remove", "rename"] as const;

export class ChatInfo extends View {
  static override readonly properties = { ...View.properties, chat: GIVEN };
  declare chat: string;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.session.refreshPeople().catch(() => {}); // what is known is shown
  }

  protected override render() {
    this.follow(this.session);
    const { session, ui, chat } = this;
    const say = words();
    const entry = session.entry(chat);
    const top = header(say.chatInfo, { back: () => ui.go({ at: "chat", chat }) });
    if (entry === undefined) return top;
    const title = titleOf(entry, session);
    const group = entry.kind === "group";
    const peer = session.peer(chat);
    const presence = peer === undefined ? undefined : session.presence.get(peer);
    return html`${top}
      <div class="scrolls">
        <div class="profile">
          ${avatar(title, { group, picture: pictureOf(entry, session) })}
          <p class="profile-name"><bdi>${title}</bdi></p>
          ${peer === undefined || peer === title ? nothing : html`<p class="quiet"><bdi>${peer}</bdi></p>`}
          <p class="quiet">
            ${group ? say.members(entry.members.length) : nothing}
            ${
              presence?.online === true
                ? say.online
                : presence?.lastSeen === undefined
                  ? nothing
                  : say.lastSeen(moment(presence.lastSeen, Date.now()))
            }
          </p>
        </div>
        ${entry.left ? html`<p class="rule">${say.notMember}</p>` : this.#actions(entry, peer)}
        ${entry.left ? nothing : this.#timer(entry)}
        ${group ? this.#members(entry) : nothing}
      </div>`;
  }

  #actions(entry: ChatEntry, peer: string | undefined): TemplateResult {
    const say = words();
    const { session, ui } = this;
    const { chat } = entry;
    const muted = session.isMuted(chat, Date.now());
    const blocked = peer !== undefined && session.blocked.has(peer);
    return html`<div class="actions">
      ${
        peer === undefined || session.isRequest(chat) // nothing is compared before it is accepted
          ? nothing
          : html`<a class="action" href="#/chat/${encodeURIComponent(chat)}/verify/${peer}"
              >${icon("shield")} ${say.verifyWith(peer)}</a
            >`
      }
      ${peer === undefined && this.#mayRename(entry) ? this.#looks(entry) : nothing}
      <button type="button" class="action" @click=${() => this.#mute(muted)}>
        ${icon("mute")} ${muted ? say.unmute : say.mute}
      </button>
      ${
        peer === undefined
          ? html`<button
              type="button"
              class="action dangerous"
              @click=${() =>
                ui.ask({
                  title: say.leave,
                  text: say.leaveText,
                  action: say.leave,
                  danger: true,
                  run: () => this.#then(() => session.client.people.leave(chat)),
                })}
            >
              ${icon("leave")} ${say.leave}
            </button>`
          : html`<button
              type="button"
              class="action dangerous"
              @click=${() =>
                ui.run(() =>
                  this.#then(() =>
                    blocked
                      ? session.client.people.forget(peer)
                      : session.client.people.block(peer),
                  ),
                )}
            >
              ${icon("block")} ${blocked ? say.unblock : say.block}
            </button>`
      }
    </div>`;
  }

  #mayRename({ chat }: ChatEntry): boolean {
    const listed = this.session.listed.get(chat);
    const admin = listed?.admins?.includes(this.session.user) === true;
    return listed?.rules?.rename !== "admins" || admin;
  }

  #timer(entry: ChatEntry): TemplateResult {
    const say = words();
    const { chat } = entry;
    const choices = [...new Set([0, ...TIMES, entry.timer])].toSorted((a, b) => a - b);
    return html`<div class="form">
      ${select(
        this.ui,
        say.timer,
        choices.map((each) => [String(each), each === 0 ? say.never : period(each)] as const),
        () => String((this.session.entry(chat) ?? entry).timer),
        (timer) => this.session.describe(chat, { timer: Number(timer) }),
      )}
    </div>`;
  }

  /** Who may not rename a group is not offered it; the others' clients decide by themselves. */
  #looks(entry: ChatEntry): TemplateResult {
    const say = words();
    const { chat } = entry;
    const set = (picture: string | null) =>
      this.ui.run(() => this.session.describe(chat, { picture }));
    const rename = () =>
      this.ui.ask({
        title: say.rename,
        text: say.groupNameText,
        action: say.save,
        field: { label: say.groupName, type: "text", value: entry.name ?? "" },
        run: (name) => this.session.describe(chat, { name: name.trim() }),
      });
    return html`<button type="button" class="action" @click=${rename}>
        ${icon("pencil")} ${say.rename}
      </button>
      ${picturePicker(this.ui, entry.picture, set)}`;
  }

  #mute(muted: boolean): void {
    const say = words();
    const { chat } = this;
    const until = (hours: number) => () => {
      const seconds = Math.floor(Date.now() / 1000);
      const end = hours === 0 ? 0 : hours < 0 ? FOR_EVER : seconds + hours * HOUR_S;
      this.ui.run(() => this.#then(() => this.session.client.people.mute(chat, end)));
    };
    if (muted) {
      until(0)();
      return;
    }
    const items = [1, 8].map((hours) => ({ label: say.muteHours(hours), run: until(hours) }));
    this.ui.choose({
      title: say.mute,
      items: [...items, { label: say.muteForever, run: until(-1) }],
    });
  }

  // -- a group

  #members(entry: ChatEntry): TemplateResult {
    const say = words();
    const { session } = this;
    const listed = session.listed.get(entry.chat);
    const admins = new Set(listed?.admins ?? []);
    const may = (rule: "add" | "remove") =>
      listed?.rules?.[rule] !== "admins" || admins.has(session.user);
    return html`<div class="section-head">
        <h2 class="section">${say.members(entry.members.length)}</h2>
        ${may("add") && !entry.left ? round("add", say.addMembers, () => this.#add()) : nothing}
      </div>
      <ul class="people">
        ${entry.members.map((user) => {
          const own = user === session.user;
          return html`<li class="person">
            ${avatar(session.nameOf(user), { picture: session.pictureOf(user) })}
            <span class="grows"
              ><bdi>${own ? say.you : session.nameOf(user)}</bdi>
              ${own || session.nameOf(user) === user ? nothing : html`<span class="rule">${user}</span>`}</span
            >
            ${admins.has(user) ? html`<span class="tag">${say.admin}</span>` : nothing}
            ${
              own || entry.left
                ? nothing
                : round("more", say.actionsFor(user), () => this.#menu(user, admins, may("remove")))
            }
          </li>`;
        })}
        ${(listed?.invited ?? []).map(
          (user) =>
            html`<li class="person">
              ${avatar(user)}<span class="grows"><bdi>${user}</bdi></span>
              <span class="tag">${say.invited}</span>
            </li>`,
        )}
      </ul>
      ${admins.has(session.user) && listed !== undefined ? this.#rules(entry.chat) : nothing}`;
  }

  #rules(chat: string): TemplateResult {
    const say = words();
    const who = (["members", "admins"] as const).map((each) => [each, say.whoMay[each]] as const);
    return html`<h2 class="section">${say.rules}</h2>
      <div class="form">
        ${RULES.map((rule) =>
          select(
            this.ui,
            say.rule[rule],
            who,
            () => this.session.listed.get(chat)?.rules?.[rule] ?? "members",
            (value) => this.#admins({ rules: { [rule]: value } }, chat),
          ),
        )}
      </div>`;
  }

  #menu(user: string, admins: ReadonlySet<string>, mayRemove: boolean): void {
    const say = words();
    const { session, ui, chat } = this;
    const isAdmin = admins.has(session.user);
    const write = async () => {
      const go = ui.goAfter();
      let direct = "";
      await orSay("forbidden", say.notWelcome(user), async () => {
        direct = await session.client.chats.direct(user);
      });
      await session.known(direct);
      go({ at: "chat", chat: direct });
    };
    const remove = () => session.client.chats.changeMembers(chat, { remove: [user] });
    const items = [
      { label: say.startChat, run: () => ui.run(write), if: true },
      {
        label: say.makeAdmin,
        run: () => ui.run(() => this.#admins({ appoint: [user] }, chat)),
        if: isAdmin && !admins.has(user),
      },
      {
        label: say.dismissAdmin,
        run: () => ui.run(() => this.#admins({ dismiss: [user] }, chat)),
        if: isAdmin && admins.has(user),
      },
      { label: say.remove, run: () => ui.run(() => this.#then(remove)), if: mayRemove },
    ];
    ui.choose({ title: user, items: items.filter((item) => item.if) });
  }

  #add(): void {
    const say = words();
    const { chat } = this; // another one may be shown by the time that the names are typed
    this.ui.ask({
      title: say.addMembers,
      text: "",
      action: say.add,
      field: { label: say.membersField, type: "text" },
      run: async (typed) => {
        const add = usersIn(typed);
        if (!add.every(isUser)) throw new RangeError(say.userNameRule);
        await this.#then(() => this.session.client.chats.changeMembers(chat, { add }));
      },
    });
  }

  async #admins(
    changes: { appoint?: string[]; dismiss?: string[]; rules?: Record<string, string> },
    chat = this.chat,
  ): Promise<void> {
    await this.#then(() => this.session.client.people.changeAdmins(chat, changes));
  }

  async #then(act: () => Promise<unknown>): Promise<void> {
    const { chat } = this;
    await act();
    await this.session.refreshPeople();
    await this.session.known(chat);
  }
}
