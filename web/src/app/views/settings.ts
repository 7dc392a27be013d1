/** The settings: look, words, privacy, storage; and the account with its ways out. */

import { html, nothing, type TemplateResult } from "lit";
import { LONGEST_NAME, type SettingsResponse } from "../../client/index.ts";
import { Newest } from "../model/newest.ts";
import { hashOf } from "../model/route.ts";
import { chooseTheme, THEMES, theme } from "../model/theme.ts";
import { chooseLanguage, LANGUAGES, words } from "../words/words.ts";
import { select, write } from "./controls.ts";
import { notifications } from "./notifications.ts";
import { avatar, header, type Icon, icon } from "./parts.ts";
import { picturePicker } from "./pictures.ts";
import { orSay, reasonIn } from "./ui.ts";
import { View } from "./view.ts";

const WHO = ["everybody", "contacts", "nobody"] as const;

export class SettingsView extends View {
  #settings: SettingsResponse | undefined;
  readonly #asked = new Newest();
  /** The change under way: the next waits for it, as each response has all the settings. */
  #changing: Promise<unknown> = Promise.resolve();
  #problem: string | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    const counts = this.#asked.begin();
    void this.session.client.people.settings().then(
      (settings) => counts() && this.#are(settings),
      (error: unknown) => {
        this.#problem = reasonIn(error);
        this.requestUpdate();
      },
    );
  }

  #are(settings: SettingsResponse): void {
    this.#settings = settings;
    this.requestUpdate();
  }

  protected override render() {
    this.follow(this.ui, this.session, this.ui.app.notifications);
    const say = words();
    const { ui, session } = this;
    return html`${header(say.settings, { back: () => ui.go({ at: "list" }) })}
      <div class="scrolls">
        <div class="profile">
          ${avatar(session.nameOf(session.user), { picture: session.pictureOf(session.user) })}
          <p class="profile-name"><bdi>${session.nameOf(session.user)}</bdi></p>
          <p class="quiet"><bdi>${session.user}</bdi> · <bdi>${session.client.device}</bdi></p>
        </div>
        ${this.#profile()}
        <div class="actions">
          <a class="action" href=${hashOf({ at: "devices" })}>${icon("device")} ${say.devices}</a>
        </div>
        ${this.#appearance()} ${notifications(ui, session)} ${this.#privacy()} ${this.#blocked()} ${this.#storage()} ${this.#account()}
      </div>`;
  }

  #profile(): TemplateResult {
    const say = words();
    const { session, ui } = this;
    const profile = () => session.profiles.get(session.user);
    const { name, picture } = profile() ?? {};
    const save = (event: SubmitEvent) => {
      const typed = fields(event).given("name").trim();
      ui.run(async () => {
        await session.setProfile(typed === "" ? null : typed, profile()?.picture ?? null);
        ui.say(say.saved);
      });
    };
    // The name as it is by then: a picture takes a while to be made small.
    const set = (chosen: string | null) =>
      ui.run(() => session.setProfile(profile()?.name ?? null, chosen));
    return html`<form class="form" @submit=${save}>
        <label
          >${say.yourName}
          <input
            name="name"
            maxlength=${LONGEST_NAME}
            autocomplete="name"
            .value=${name ?? ""}
            aria-describedby="name-text"
        /></label>
        <p class="rule" id="name-text">${say.yourNameText}</p>
        <button>${say.save}</button>
      </form>
      <div class="actions">${picturePicker(ui, picture, set)}</div>`;
  }

  #appearance(): TemplateResult {
    const say = words();
    return html`<h2 class="section">${say.appearance}</h2>
      <div class="form">
        ${select(this.ui, say.theme, named(THEMES, say.themes), theme, (chosen) => {
          chooseTheme(chosen);
          this.ui.changed();
        })}
        ${select(
          this.ui,
          say.language,
          LANGUAGES.map(({ code, name }) => [code, name] as const),
          () => words().code,
          (chosen) => {
            chooseLanguage(chosen);
            this.ui.changed();
            this.session.changed();
          },
        )}
      </div>`;
  }

  #privacy() {
    const say = words();
    const { ui } = this;
    const settings = this.#settings;
    const top = html`<h2 class="section">${say.privacy}</h2>`;
    if (settings === undefined) {
      return this.#problem === undefined
        ? nothing
        : html`${top}<p class="problem" role="alert">${this.#problem}</p>`;
    }
    const change = async (changes: Record<string, string | boolean>) => {
      const counts = this.#asked.begin();
      const settings = await this.session.client.people.settings(changes);
      if (counts()) this.#are(settings);
      this.ui.say(say.saved);
    };
    const set = (changes: Record<string, string | boolean>) => {
      const changed = this.#changing.then(() => change(changes));
      this.#changing = changed.catch(() => {});
      return changed;
    };
    const holds = () => this.#settings ?? settings;
    const who = named(WHO, say.who);
    return html`${top}
      <div class="form">
        <label class="check"
          ><input
            type="checkbox"
            .checked=${settings.receipts}
            aria-describedby="receipts-text"
            @change=${(event: Event) => {
              const receipts = (event.target as HTMLInputElement).checked;
              write(
                ui,
                event,
                () => holds().receipts,
                () => set({ receipts }),
              );
            }}
          />${say.receipts}</label
        >
        <p class="rule" id="receipts-text">${say.receiptsText}</p>
        ${select(
          ui,
          say.presenceSetting,
          who,
          () => holds().presence,
          (presence) => set({ presence }),
        )}
        ${select(
          ui,
          say.groupsSetting,
          who,
          () => holds().groups,
          (groups) => set({ groups }),
        )}
        ${select(
          ui,
          say.requestsSetting,
          named(["everybody", "nobody"] as const, say.who),
          () => holds().requests,
          (requests) => set({ requests }),
        )}
      </div>`;
  }

  #blocked() {
    const say = words();
    const { session, ui } = this;
    if (session.blocked.size === 0) return nothing;
    const unblock = async (user: string) => {
      await session.client.people.forget(user);
      await session.refreshPeople();
    };
    return html`<h2 class="section">${say.blocked}</h2>
      <ul class="people">
        ${[...session.blocked].map(
          (user) =>
            html`<li class="person">
              ${avatar(user)}<bdi class="grows">${user}</bdi>
              <button type="button" @click=${() => ui.run(() => unblock(user))}>${say.unblock}</button>
            </li>`,
        )}
      </ul>`;
  }

  /** Browsers decide by themselves, some without a question: a no is shown, and why. */
  async #keep(): Promise<void> {
    await this.ui.app.askToPersist();
    if (this.ui.app.persisted !== true) this.ui.say(words().keptNot);
  }

  #storage() {
    const say = words();
    const { app } = this.ui;
    return html`<h2 class="section">${say.storage}</h2>
      <p class="rule">${app.persisted === true ? say.persisted : say.notPersisted}</p>
      ${
        app.persisted === true
          ? nothing
          : html`<div class="actions">
              <button type="button" class="action" @click=${() => this.ui.run(() => this.#keep())}>
                ${icon("lock")} ${say.keepThem}
              </button>
            </div>`
      }`;
  }

  // -- the account

  #account(): TemplateResult {
    const say = words();
    return html`<h2 class="section">${say.account}</h2>
      <form class="form" @submit=${this.#changePassword}>
        <h3>${say.changePassword}</h3>
        <p class="rule">${say.changePasswordText}</p>
        <input hidden autocomplete="username" .value=${this.session.user} />
        ${password("present", say.presentPassword, "current-password")}
        ${password("fresh", say.newPassword, "new-password")}
        ${password("again", say.newPasswordAgain, "new-password")}
        <button>${say.changePassword}</button>
      </form>
      <form class="form" @submit=${this.#setEmail}>
        <h3>${say.email}</h3>
        <label>${say.emailAddress}<input name="email" type="email" required autocomplete="email" /></label>
        ${password("password", say.password, "current-password")}
        <button>${say.sendCode}</button>
      </form>
      <form class="form" @submit=${this.#confirmEmail}>
        <label
          >${say.emailCode}<input name="code" required inputmode="numeric" autocomplete="one-time-code"
        /></label>
        <button>${say.confirm}</button>
      </form>
      <div class="actions">
        <button type="button" class="action" @click=${() => this.ui.run(() => this.#export())}>
          ${icon("down")} ${say.exportData}
        </button>
        <p class="rule">${say.exportText}</p>
        ${this.#ways()}
      </div>`;
  }

  #ways(): TemplateResult {
    const say = words();
    const { ui, session } = this;
    const way = (
      sign: Icon,
      label: string,
      text: string,
      run: (typed: string) => Promise<void>,
      typed = false,
    ) =>
      html`<button
        type="button"
        class="action dangerous"
        @click=${() =>
          ui.ask({
            title: label,
            text,
            action: label,
            danger: true,
            ...(typed ? { field: { label: say.password, type: "password" as const } } : {}),
            run,
          })}
      >
        ${icon(sign)} ${label}
      </button>`;
    const remove = (typed: string) =>
      orSay("forbidden", say.needsOperator, () => ui.app.deleteAccount(session, typed));
    return html`${way("leave", say.signOut, say.signOutText, () => ui.app.signOut(session, false))}
    ${way("leave", say.signOutAll, say.signOutText, () => ui.app.signOut(session, true))}
    ${way("bin", say.deleteAccount, say.deleteText, remove, true)}`;
  }

  readonly #changePassword = (event: SubmitEvent): void => {
    const { form, given } = fields(event);
    if (given("fresh") !== given("again")) {
      this.ui.say(words().differentPasswords);
      return;
    }
    this.ui.run(async () => {
      const { account } = this.session.client;
      await orSay("bad_request", words().passwordRule, () =>
        orSay("forbidden", words().needsOperator, () =>
          account.changePassword(given("present"), given("fresh")),
        ),
      );
      form.reset();
      this.ui.say(words().saved);
    });
  };

  readonly #setEmail = (event: SubmitEvent): void => {
    const { given } = fields(event);
    this.ui.run(async () => {
      const { account } = this.session.client;
      await orSay("forbidden", words().noMails, () =>
        account.setEmail(given("email"), given("password")),
      );
      this.ui.say(words().emailSent);
    });
  };

  readonly #confirmEmail = (event: SubmitEvent): void => {
    const { form, given } = fields(event);
    this.ui.run(async () => {
      const { account } = this.session.client;
      await orSay("forbidden", words().noMails, () => account.confirmEmail(given("code").trim()));
      form.reset();
      this.ui.say(words().saved);
    });
  };

  async #export(): Promise<void> {
    const items = await this.session.client.account.storedItems();
    const file = new Blob([JSON.stringify(items, undefined, 2)], { type: "application/json" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = `${this.session.user}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  }
}

function fields(event: SubmitEvent) {
  event.preventDefault();
  const form = event.target as HTMLFormElement;
  const data = new FormData(form);
  return { form, given: (name: string) => String(data.get(name) ?? "") };
}

function named<Value extends string>(
  values: readonly Value[],
  names: Readonly<Record<Value, string>>,
): (readonly [Value, string])[] {
  return values.map((value) => [value, names[value]]);
}

function password(name: string, label: string, kind: "current-password" | "new-password") {
  return html`<label
    >${label}<input name=${name} type="password" required autocomplete=${kind}
  /></label>`;
}
