/** The menu of what can be done with a message. */

import { State, type StoredMessage } from "../../client/index.ts";
import type { Conversation } from "../model/conversation.ts";
import type { Session } from "../model/session.ts";
import { words } from "../words/words.ts";
import { isNotice, textOf } from "./message-body.ts";
import type { Menu, Ui } from "./ui.ts";

const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

export function messageMenu(
  message: StoredMessage,
  conversation: Conversation,
  session: Session,
  ui: Ui,
): Menu {
  const say = words();
  const { chat, messageId, sender, text } = message;
  const own = sender === session.user;
  const left = session.entry(chat)?.left === true || session.isRequest(chat);
  const there = !message.deleted && !isNotice(message);
  const failed = message.state === State.FAILED;
  const sent = there && ["text", "file"].includes(message.kind) && message.unreadable === undefined;
  const written = there && message.kind === "text" && message.unreadable === undefined;
  const items = [
    {
      label: say.reply,
      run: () => conversation.compose({ what: "reply", message }),
      if: sent && !left && !failed,
    },
    {
      label: say.copyText,
      run: () => ui.run(() => navigator.clipboard.writeText(text ?? "")),
      if: written,
    },
    {
      label: say.edit,
      run: () => conversation.compose({ what: "edit", message }),
      if: written && own && !left && !failed,
    },
    {
      label: say.messageInfo,
      run: () => ui.go({ at: "message", chat, messageId }),
      if: own,
    },
    {
      label: say.deleteMessage,
      run: () =>
        ui.ask({
          title: say.deleteMessage,
          text: say.deleteMessageText,
          action: say.deleteMessage,
          danger: true,
          run: () => session.delete(message),
        }),
      if: own && there && !left,
    },
  ];
  const mine = message.reactions.find(({ user }) => user === session.user)?.emoji;
  return {
    title: textOf(message, session),
    items: items.filter((item) => item.if),
    emoji: there && !left && !failed ? EMOJI : [],
    chosen: mine,
    react: (emoji) => ui.run(() => session.react(message, emoji === mine ? null : emoji)),
  };
}
