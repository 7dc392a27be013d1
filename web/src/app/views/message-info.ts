/** The pane about an own message: its state at each member (read, delivered, not yet). */

import { html, nothing, type TemplateResult } from "lit";
import { type MemberMarks, State, stage } from "../../client/index.ts";
import type { Session } from "../model/session.ts";
import { full } from "../words/times.ts";
import { words } from "../words/words.ts";
import { textOf } from "./message-body.ts";
import { avatar, header } from "./parts.ts";
import type { Ui } from "./ui.ts";

export function messageInfo(ui: Ui, session: Session, messageId: string): TemplateResult {
  const say = words();
  const conversation = session.open;
  const back = () =>
    ui.go(conversation === undefined ? { at: "list" } : { at: "chat", chat: conversation.chat });
  const top = header(say.messageInfo, { back });
  const message = conversation?.messages.find(
    (each) => each.messageId === messageId && each.sender === session.user,
  );
  if (conversation === undefined || message === undefined) return top;
  const by = new Map<State, string[]>();
  for (const [user, marks] of conversation.marks) {
    if (user === session.user) continue;
    const state = stateOf(message.seq, marks);
    if (state !== undefined) by.set(state, [...(by.get(state) ?? []), user]);
  }
  return html`${top}
    <div class="scrolls">
      <p class="quoted" dir="auto">${textOf(message, session)}</p>
      ${message.sentAt === undefined ? nothing : html`<p class="rule">${full(message.sentAt)}</p>`}
      ${people(session, say.readBy, by.get(State.READ))} ${people(session, say.deliveredTo, by.get(State.DELIVERED))}
      ${people(session, say.notYet, by.get(State.SENT))}
    </div>`;
}

/** Undefined for a member who is known to have joined later: their marks say nothing of it. */
export function stateOf(seq: number | undefined, marks: MemberMarks): State | undefined {
  if (seq === undefined) return State.SENT;
  return seq <= (marks.joinedAfter ?? 0) ? undefined : stage(seq, marks, marks.undelivered);
}

function people(session: Session, title: string, users: readonly string[] | undefined) {
  if (users === undefined) return nothing;
  return html`<h2 class="section">${title}</h2>
    <ul class="people">
      ${users.map((user) => html`<li class="person">${avatar(session.nameOf(user), { picture: session.pictureOf(user) })}<bdi>${session.nameOf(user)}</bdi></li>`)}
    </ul>`;
}
