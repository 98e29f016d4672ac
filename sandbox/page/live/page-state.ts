import type { SandboxMessage } from "../../slack/shapes.ts";
import type { SandboxSlack } from "../../slack/workspace.ts";
import type { Reader } from "../blocks/surface.ts";
import { direct, home, type Viewer } from "../conversation.ts";

function messagesIn(slack: SandboxSlack, user: string, place: string): readonly SandboxMessage[] {
  if (place === home) return [];
  const person = slack.person(user);
  const channel = place === direct ? `D0${user.slice(2)}` : place;
  const own = person.ephemerals().filter((each) => each.channel === channel);
  const shared = place === direct ? person.directMessages() : slack.messages(place);
  return [...shared, ...own].toSorted((a, b) => Number(a.ts) - Number(b.ts));
}

export function conversationIn(slack: SandboxSlack, user: string, place: string): readonly SandboxMessage[] {
  const messages = messagesIn(slack, user, place);
  // Direct messages have their replies among them.
  const repliesTo = (message: SandboxMessage) => slack.replies(message).filter((each) => !messages.includes(each));
  return messages.flatMap((message) => [message, ...repliesTo(message)]);
}

export function readerOf(slack: SandboxSlack, { as }: Viewer): Reader {
  return { user: as, people: slack.people, channels: slack.channels(), now: new Date() };
}

export interface Seen {
  mark: (viewer: Viewer) => void;
  unread: (user: string, place: string) => number;
}

export function rememberSeen(slack: SandboxSlack): Seen {
  const seen = new Map<string, number>();
  const key = (user: string, place: string) => `${user} ${place}`;
  return {
    mark: ({ as, place }) => void seen.set(key(as.id, place), messagesIn(slack, as.id, place).length),
    unread: (user, place) => Math.max(0, messagesIn(slack, user, place).length - (seen.get(key(user, place)) ?? 0)),
  };
}
