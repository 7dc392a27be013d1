/** Signing in, making an account, and a forgotten password. */

import { html, nothing } from "lit";
import { ApiError } from "../../client/index.ts";
import { isUnauthorized } from "../model/signing-in.ts";
import { words } from "../words/words.ts";
import { isUser } from "./names.ts";
import { icon } from "./parts.ts";
import { reasonIn } from "./ui.ts";
import { View } from "./view.ts";

type Form = "sign-in" | "sign-up" | "forgot" | "reset" | "link";

export class SignIn extends View {
  #form: Form = "sign-in";
  #user = "";
  #problem: string | undefined;
  #busy = false;
  #shown = false;

  protected override render() {
    const say = words();
    if (this.#form === "link") {
      return html`<switchboard-linking
        .ui=${this.ui}
        .back=${() => this.#show("sign-in")}
      ></switchboard-linking>`;
    }
    const title = {
      "sign-in": say.signIn,
      "sign-up": say.signUp,
      forgot: say.forgot,
      reset: say.setPassword,
    }[this.#form];
    return html`<main class="gate">
      <form class="card" @submit=${this.#submitted}>
        <div class="brand"><img src="icon.svg" alt="" />${say.app}</div>
        <h1>${title}</h1>
        ${this.#form === "forgot" ? html`<p>${say.forgotText}</p>` : nothing} ${this.#fields()}
        ${
          this.#problem === undefined
            ? nothing
            : html`<p class="problem" role="alert">${this.#problem}</p>`
        }
        <button class="primary" ?disabled=${this.#busy}>
          ${this.#form === "forgot" ? say.sendCode : title}
        </button>
        ${this.#otherWays()}
      </form>
      <p class="tagline">${icon("lock")} ${say.tagline}</p>
    </main>`;
  }

  #fields() {
    const say = words();
    const fresh = this.#form !== "sign-in";
    return html`
      <label
        >${say.userName}
        <input
          name="user"
          required
          maxlength="32"
          autocomplete="username"
          autocapitalize="none"
          spellcheck="false"
          .value=${this.#user}
          aria-describedby=${this.#form === "sign-up" ? "name-rule" : nothing}
        />
      </label>
      ${this.#form === "sign-up" ? html`<p class="rule" id="name-rule">${say.userNameRule}</p>` : nothing}
      ${
        this.#form === "reset"
          ? html`<label
            >${say.resetCode}<input name="code" required inputmode="numeric" autocomplete="one-time-code"
          /></label>`
          : nothing
      }
      ${
        this.#form === "forgot"
          ? nothing
          : html`<label
              >${this.#form === "reset" ? say.newPassword : say.password}
              <input
                name="password"
                type=${this.#shown ? "text" : "password"}
                required
                autocomplete=${fresh ? "new-password" : "current-password"}
                aria-describedby=${fresh ? "password-rule" : nothing}
              />
            </label>
            ${fresh ? html`<p class="rule" id="password-rule">${say.passwordRule}</p>` : nothing}
            <label class="check"
              ><input
                type="checkbox"
                .checked=${this.#shown}
                @change=${() => {
                  this.#shown = !this.#shown;
                  this.requestUpdate();
                }}
              />${say.showPassword}</label
            >
            `
      }
    `;
  }

  #otherWays() {
    const say = words();
    const to = (form: Form, label: string) =>
      html`<button type="button" class="link" @click=${() => this.#show(form)}>${label}</button>`;
    return this.#form === "sign-in"
      ? html`<p class="ways">
          ${say.newHere} ${to("sign-up", say.signUp)}<br />${to("forgot", say.forgot)}<br />${to(
            "link",
            say.linkThis,
          )}
        </p>`
      : html`<p class="ways">${say.haveAccount} ${to("sign-in", say.signIn)}</p>`;
  }

  #show(form: Form): void {
    this.#user = this.querySelector<HTMLInputElement>("input[name=user]")?.value ?? "";
    this.#form = form;
    this.#problem = undefined;
    this.requestUpdate();
  }

  readonly #submitted = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    const given = (name: string) => String(data.get(name) ?? "");
    void this.#send(given("user").trim().toLowerCase(), given("password"), given("code").trim());
  };

  async #send(user: string, password: string, code: string): Promise<void> {
    if (!isUser(user)) {
      this.#problem = words().userNameRule;
      this.requestUpdate();
      return;
    }
    this.#user = user;
    this.#busy = true;
    this.#problem = undefined;
    this.requestUpdate();
    const form = this.#form;
    const { app } = this.ui;
    try {
      if (form === "forgot") {
        await app.forgotPassword(user);
        if (this.#form === form) this.#form = "reset";
      } else if (form === "reset") {
        await app.resetPassword({ user, password }, code);
      } else if (form !== "link") {
        await app.signIn({ user, password }, form === "sign-up");
      }
    } catch (error) {
      if (this.#form === form) this.#problem = this.#problemOf(error, form);
    } finally {
      this.#busy = false;
      this.requestUpdate();
    }
  }

  #problemOf(error: unknown, form: Form): string {
    const say = words();
    if (isUnauthorized(error)) return say.wrongPassword;
    const code = error instanceof ApiError ? error.code : undefined;
    // A code to reset a password with came by mail.
    if (code === "forbidden") return form === "forgot" ? say.noMails : say.needsOperator;
    if (code === "conflict") return say.nameTaken;
    return code === "bad_request" && form === "sign-up" ? say.passwordRule : reasonIn(error);
  }
}
