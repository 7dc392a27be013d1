"""Receiving: the handling of each frame of the server."""

from __future__ import annotations

from client.core import events, frames
from client.core.outputs import Stop
from client.core.parts import Parts
from client.core.step import Step

# After any other error the same message would fail again.
RETRYABLE = frozenset({"rate_limited", "internal"})


class Receiving:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._limited_until = 0.0

    def received(self, step: Step, frame: frames.ServerFrame) -> None:
        parts = self._parts
        match frame:
            case frames.Message():
                self._message(step, frame)
                parts.transmit(parts.presence.wrote(step.now, frame.sender))
            case frames.Messages():
                for message in frame.messages:
                    self._message(step, message)
            case frames.Accepted():
                sent = parts.outbox.frame_of(frame.message_id)
                parts.chats.accepted(step, frame)
                parts.sending.accepted(step, frame, sent)
                parts.catch_up.ask_for_gap(step, frame.chat)
            case frames.Receipt():
                parts.chats.receipt(step, frame)
            case frames.Synced():
                parts.catch_up.synced(step, frame)
                parts.outputs += parts.catch_up.news(step.now)
            case frames.Nudge():
                parts.catch_up.nudged(step, frame)
            case frames.ErrorFrame():
                self._error(step, frame)
            case frames.Pong():
                parts.receipts.confirmed(step)
            case frames.Displaced():
                parts.outputs += [frame, Stop()]
            case frames.Presence():
                parts.presence.seen(frame.user, online=frame.online)
                seen = events.PresenceChanged(frame.user, frame.online, frame.last_seen)
                parts.emit(seen)
            case frames.Typing():
                parts.emit(events.TypingSeen(frame.chat, frame.user))
            case frames.DevicesChanged():
                parts.keys.changed(frame.user)
                # Not only before the next text: a changed identity is reported when it is seen.
                parts.keys.want_lists([frame.user], step.now)
                if frame.chat is not None:
                    parts.membership.changed(frame.chat, known=frame.chat in parts.chats.logs)
                parts.emit(frame)
            case frames.ChatChanged():
                if frame.chat not in parts.chats.left:
                    parts.membership.chat_changed(step, frame.chat)
                parts.emit(frame)
            case _:  # `keys_low`, and every type that asks nothing of this engine
                parts.emit(frame)

    def _message(self, step: Step, message: frames.Message) -> None:
        parts = self._parts
        question = parts.sync.question
        late = message.seq <= parts.receipts.delivered(message.chat)
        if late and question is not None and question.chats is None:
            parts.receipts.repeat(message.chat, step.now)  # the server has us further back
        parts.chats.message(step, message)
        parts.catch_up.ask_for_gap(step, message.chat)
        parts.membership.met(step, message.chat, message.sender)
        if message.chat in parts.chats.left:
            parts.membership.want(step, message.chat)  # put back, perhaps

    def _error(self, step: Step, error: frames.ErrorFrame) -> None:
        parts = self._parts
        retryable = error.code in RETRYABLE
        if error.message_id is not None and error.message_id in parts.outbox:
            if retryable:
                parts.outbox.retry(error.message_id, step.now, error.retry_after)
                self._show_limit(step, error)
            else:
                parts.own.failed(step, error.message_id, f"{error.code}: {error.message}")
            return
        if error.action == "sync":
            left = parts.catch_up.failed(step, error.retry_after, retryable=retryable)
            if left is not None:
                parts.sending.left(step, left, "not_found: you are not in this chat")
                known = left in parts.chats.left
                parts.chats.leave(step, left)
                parts.outputs += [] if known else [events.ChatLeft(left)]
        elif error.action == "watch" and retryable:
            parts.presence.failed(step.now, error.retry_after)
        elif error.action in ("receipt", None) and retryable:
            parts.receipts.failed(step, error.retry_after)
        elif (
            error.code == "not_found" and error.chat is not None and error.chat in parts.chats.logs
        ):
            # A message that nobody typed would fail again: a sync shows whether the user is still a
            # member.
            parts.receipts.forget(error.chat)
            parts.membership.want(step, error.chat)
        if error.code == "rate_limited":
            self._show_limit(step, error)
        elif error.message_id is None:
            parts.emit(events.ServerError(error.code, error.message, error.action))

    def _show_limit(self, step: Step, error: frames.ErrorFrame) -> None:
        """Reports a limit once, until the time that the backend asked to wait is over."""
        if error.code == "rate_limited" and step.now >= self._limited_until:
            self._limited_until = step.now + (
                error.retry_after or self._parts.settings.retry_after_error
            )
            action = error.action or "send"
            self._parts.emit(events.ServerError(error.code, error.message, action))
