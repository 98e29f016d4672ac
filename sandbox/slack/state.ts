import { randomBytes } from "node:crypto";
import type { SandboxChannel, SandboxMessage, SandboxUser, SandboxView } from "./shapes.ts";

/** The right to open a view, which a person's action gives the app for a moment. */
export interface Trigger {
  user: string;
  expires: Date;
  used: boolean;
}

/** Where the app may answer a person's action, five times within half an hour. */
export interface ResponseUrl {
  user: string;
  channel: string;
  /** The message whose button was clicked; undefined for a command. */
  message?: { channel: string; ts: string };
  expires: Date;
  uses: number;
}

export interface SlackIdentity {
  teamId: string;
  teamDomain: string;
  appId: string;
  botId: string;
  botUserId: string;
  botToken: string;
  appToken: string;
  signingSecret: string;
  /** What the bot may do; see the scopes of each method. */
  scopes: readonly string[];
}

/** Everything that the workspace holds. Changed by the Web API, the people and response URLs alone; each change is announced. */
export interface SlackState {
  identity: SlackIdentity;
  now: () => Date;
  people: readonly SandboxUser[];
  usergroups: Map<string, readonly string[]>;
  /** People who can't sign in any more. */
  deactivated: Set<string>;
  channels: Map<string, SandboxChannel>;
  /** In the order in which they were posted. */
  messages: SandboxMessage[];
  /** The open modals of each person, the visible one last. */
  views: Map<string, SandboxView[]>;
  homes: Map<string, SandboxView>;
  triggers: Map<string, Trigger>;
  responseUrls: Map<string, ResponseUrl>;
  /** Tells everybody who waits that something changed. */
  changed: () => void;
  nextTs: () => string;
}

/** An id as Slack makes them: a letter and ten capitals or digits. */
export function newId(letter: string): string {
  return `${letter}0${randomBytes(6).toString("hex").slice(0, 9).toUpperCase()}`;
}

/** Timestamps that are the ids of messages: they follow the clock, and no two are the same. */
export function messageClock(now: () => Date): () => string {
  let last = 0;
  return () => {
    last = Math.max(last + 1, now().getTime() * 1000);
    return `${Math.floor(last / 1_000_000)}.${String(last % 1_000_000).padStart(6, "0")}`;
  };
}

/** The direct conversation of the bot with a person. */
export function directChannel(state: SlackState, user: string): SandboxChannel {
  const id = `D0${user.slice(2)}`;
  const known = state.channels.get(id);
  if (known) return known;
  const members = [user, state.identity.botUserId];
  const channel: SandboxChannel = { id, name: "", members, archived: false, private: true, directWith: user };
  state.channels.set(id, channel);
  return channel;
}

export function findMessage(state: SlackState, channel: string, ts: string): SandboxMessage | undefined {
  return state.messages.find((message) => message.channel === channel && message.ts === ts);
}

export function addMessage(state: SlackState, message: Omit<SandboxMessage, "ts" | "user" | "edits">): SandboxMessage {
  const added = { ...message, ts: state.nextTs(), user: state.identity.botUserId, edits: 0 };
  state.messages.push(added);
  state.changed();
  return added;
}

/** Puts a changed message in the place of the old one and counts the edit. */
export function editMessage(
  state: SlackState,
  old: SandboxMessage,
  change: Partial<Pick<SandboxMessage, "text" | "blocks" | "metadata">>,
): SandboxMessage {
  const edited = { ...old, ...change, edits: old.edits + 1 };
  state.messages[state.messages.indexOf(old)] = edited;
  state.changed();
  return edited;
}

export function removeMessage(state: SlackState, message: SandboxMessage): void {
  state.messages.splice(state.messages.indexOf(message), 1);
  state.changed();
}

/** How long Slack honours a trigger_id, in milliseconds. */
const triggerLifetime = 3_000;

export function newTrigger(state: SlackState, user: string): string {
  const id = `${Date.now()}.${randomBytes(6).readUIntBE(0, 6)}.${randomBytes(16).toString("hex")}`;
  state.triggers.set(id, { user, used: false, expires: new Date(state.now().getTime() + triggerLifetime) });
  return id;
}
