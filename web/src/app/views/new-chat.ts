/** A new chat with a user, or a new group. Contacts are a click away. */

import { html, nothing, type PropertyValues } from "lit";
import { ApiError } from "../../client/index.ts";
import { Newest } from "../model/newest.ts";
import { words } from "../words/words.ts";
import { moveFocus } from "./chat-list.ts";
import { isUser, usersIn } from "./names.ts";
import { avatar, header } from "./parts.ts";
import { reasonIn } from "./ui.ts";
import { GIVEN, View } from "./view.ts";

export class NewChat extends View {
  static override readonly properties = { ...View.properties, group: GIVEN };
  declare group: boolean;
  #contacts: readonly string[] = [];
  #problem: string | undefined;
  #busy = false;
  /** Of the group that was to be made last: it may be there although no response came. */
  #request = { of: "", id: "" };
  readonly #opens = new Newest();

  override connectedCallback(): void {
    super.connectedCallback();
    void this.session.client.people.contacts().then(
      (contacts) => {
        this.#contacts = [...contacts].flatMap(([user, is]) => (is === "contact" ? [user] : []));
        this.requestUpdate();
      },
      () => {}, // without a connection there is the field alone
    );
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#begin();
  }

  /** The forms of a chat and of a group are one element. */
  protected override willUpdate(changes: PropertyValues): void {
    if (changes.has("group")) this.#begin();
  }

  /** The form is as it was at first; what was sent from it is still under way. */
  #begin(): void {
    this.#opens.forget();
    this.#busy = false;
    this.#problem = undefined;
  }

  protected override render() {
    const say = words();
    const { ui, group } = this;
    return html`${header(group ? say.newGroup : say.newChat, { back: () => ui.go({ at: "list" }) })}
      <form class="form" @submit=${this.#submitted}>
        ${
          group
            ? html`<label
                  >${say.groupName}<input name="name" required maxlength="100" aria-describedby="stays"
                /></label>
                <p class="rule" id="stays">${say.groupNameText}</p>
                <label
                  >${say.membersField}<input
                    name="users"
                    required
                    autocapitalize="none"
                    spellcheck="false"
                    autocomplete="off"
                /></label>`
            : html`<label
                >${say.userName}<input
                  name="users"
                  required
                  autocapitalize="none"
                  spellcheck="false"
                  autocomplete="off"
              /></label>`
        }
        ${
          this.#problem === undefined
            ? nothing
            : html`<p class="problem" role="alert">${this.#problem}</p>`
        }
        <button class="primary" ?disabled=${this.#busy}>
          ${group ? say.createGroup : say.startChat}
        </button>
      </form>
      ${this.#known()}`;
  }

  #known() {
    if (this.#contacts.length === 0) return nothing;
    return html`<h2 class="section">${words().contacts}</h2>
      <ul class="people" @keydown=${moveFocus}>
        ${this.#contacts.map(
          (user) =>
            html`<li>
              <button type="button" class="person" @click=${() => this.#pick(user)}>
                ${avatar(user)}<bdi>${user}</bdi>
              </button>
            </li>`,
        )}
      </ul>`;
  }

  #pick(user: string): void {
    if (!this.group) return void this.#open("", [user]);
    const field = this.querySelector<HTMLInputElement>("input[name=users]");
    if (field !== null) field.value = [...new Set([...usersIn(field.value), user])].join(", ");
  }

  protected override firstUpdated(): void {
    this.querySelector("input")?.focus();
  }

  readonly #submitted = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    const name = String(data.get("name") ?? "").trim();
    void this.#open(name, usersIn(String(data.get("users") ?? "")));
  };

  async #open(name: string, users: readonly string[]): Promise<void> {
    const { client } = this.session;
    const { group, session } = this;
    const [first = ""] = users;
    const go = this.ui.goAfter();
    const counts = this.#opens.begin();
    this.#busy = true;
    this.#problem = undefined;
    this.requestUpdate();
    try {
      if (!users.every(isUser) || first === "") throw new RangeError(words().userNameRule);
      const chat = group
        ? await client.chats.group(users, name, this.#requestFor(name, users))
        : await client.chats.direct(first);
      // Who writes to somebody accepts what that one has asked.
      if (this.session.isRequest(chat)) await client.people.accept(chat);
      await this.session.refreshPeople();
      await this.session.known(chat);
      this.#request = { of: "", id: "" };
      go({ at: "chat", chat });
    } catch (error) {
      const problem = problemOf(error, users, group);
      if (counts()) this.#problem = problem;
      else if (this.ui.session === session) this.ui.say(problem); // its form is gone
    }
    if (counts()) this.#busy = false;
    this.requestUpdate();
  }

  /** The same one, as long as it is for the same group and that one was not opened. */
  #requestFor(name: string, users: readonly string[]): string {
    const of = JSON.stringify([name, ...users.toSorted()]);
    if (this.#request.of !== of) this.#request = { of, id: crypto.randomUUID() };
    return this.#request.id;
  }
}

function problemOf(error: unknown, users: readonly string[], group: boolean): string {
  const say = words();
  if (error instanceof RangeError) return error.message;
  const code = error instanceof ApiError ? error.code : undefined;
  const [first = ""] = users;
  if (code === "not_found") {
    return group && users.length > 1 ? say.noUsers(users.join(", ")) : say.noUser(first);
  }
  // Who takes no messages of strangers is invited to a group.
  return code === "forbidden" && !group ? say.notWelcome(first) : reasonIn(error);
}
