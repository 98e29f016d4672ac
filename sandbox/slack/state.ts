import { randomBytes } from "node:crypto";
import type { SandboxChannel, SandboxMessage, SandboxUser, SandboxView } from "./inputs.ts";

const person = (id: string, name: string, timezone: string): SandboxUser => ({
  ...{ id, name, timezone, email: `${name}@example.com` },
});

/** The people of every workspace, one for each role in the product. */
const people = [
  person("U0ENGINEER", "engineer", "Europe/Zurich"),
  person("U0APPROVER", "approver", "Europe/London"),
  person("U0APPROVER2", "second-approver", "America/New_York"),
  person("U0ONCALL", "on-call", "Asia/Tokyo"),
] as const;

const everyScope = ["chat:write", "commands", "users:read", "users:read.email", "usergroups:read"] as const;

export interface Trigger {
  user: string;
  expires: Date;
  used: boolean;
}

/** Where the app can answer a person's action, five times within half an hour. */
export interface ResponseUrl {
  user: string;
  channel: string;
  message?: { channel: string; ts: string };
  expires: Date;
  uses: number;
  /** The new messages that came of it, by their ts. */
  made: Set<string>;
}

export type SlackIdentity = ReturnType<typeof newIdentity>;

/** The whole workspace. Only the Web API, the people and response URLs change it, and announce each change. */
export interface SlackState {
  identity: SlackIdentity;
  now: () => Date;
  people: readonly SandboxUser[];
  usergroups: Map<string, readonly string[]>;
  deactivated: Set<string>;
  /** The Enterprise organization of the workspace, with the second id of each older person, by their first id. */
  organization: { id: string; ids: ReadonlyMap<string, string> } | null;
  channels: Map<string, SandboxChannel>;
  /** In the order in which they were posted. */
  messages: SandboxMessage[];
  /** The open modals of each person, the visible one last. */
  views: Map<string, SandboxView[]>;
  homes: Map<string, SandboxView>;
  triggers: Map<string, Trigger>;
  responseUrls: Map<string, ResponseUrl>;
  changed: () => void;
  nextTs: () => string;
}

export function newId(letter: string): string {
  return `${letter}0${randomBytes(6).toString("hex").slice(0, 9).toUpperCase()}`;
}

/** Timestamps as ids of messages: they follow the clock, and each is unique. */
function messageClock(now: () => Date): () => string {
  let last = 0;
  return () => {
    last = Math.max(last + 1, now().getTime() * 1000);
    return `${Math.floor(last / 1_000_000)}.${String(last % 1_000_000).padStart(6, "0")}`;
  };
}

export function directChannel(state: SlackState, user: string): SandboxChannel {
  const id = `D0${user.slice(2)}`;
  const known = state.channels.get(id);
  if (known) return known;
  const members = [user, state.identity.botUserId];
  const channel: SandboxChannel = { id, name: "", members, archived: false, private: true, directWith: user };
  state.channels.set(id, channel);
  return channel;
}

/** A person by either of their ids: Slack's methods take both. */
export function personWith({ people, organization }: SlackState, id: string): SandboxUser | undefined {
  return people.find((person) => person.id === id || organization?.ids.get(person.id) === id);
}

export function findMessage(state: SlackState, channel: string, ts: string): SandboxMessage | undefined {
  return state.messages.find((message) => message.channel === channel && message.ts === ts);
}

/** @param by the response URL that it came by */
export function addMessage(
  state: SlackState,
  message: Omit<SandboxMessage, "ts" | "user" | "edits">,
  by?: ResponseUrl,
): SandboxMessage {
  const added = { ...message, ts: state.nextTs(), user: state.identity.botUserId, edits: 0 };
  state.messages.push(added);
  by?.made.add(added.ts);
  state.changed();
  return added;
}

export function editMessage(
  state: SlackState,
  old: SandboxMessage,
  change: Partial<Pick<SandboxMessage, "text" | "blocks">>,
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

const triggerLifetime = 3_000;

export function newTrigger(state: SlackState, user: string): string {
  const id = `${Date.now()}.${randomBytes(6).readUIntBE(0, 6)}.${randomBytes(16).toString("hex")}`;
  state.triggers.set(id, { user, used: false, expires: new Date(state.now().getTime() + triggerLifetime) });
  return id;
}

export type Changes = ReturnType<typeof makeChanges>;

export function makeChanges() {
  const listeners = new Set<() => void>();
  return {
    announce: () => {
      for (const listener of [...listeners]) listener();
    },
    /** Calls `listener` after each change, until the returned function is called. */
    onChange: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** After each change and at the end of the time. Rejects with the state by `describe`, or at once with an error of `find`. */
export function untilFound<T>(
  changes: Changes,
  find: () => T | undefined,
  options: { withinMs: number; describe: () => string },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void) => {
      clearTimeout(timer);
      stop();
      act();
    };
    const look = (last: boolean) => {
      try {
        const found = find();
        if (found !== undefined) finish(() => resolve(found));
        else if (last) finish(() => reject(new Error(`nothing came in ${options.withinMs} ms. ${options.describe()}`)));
      } catch (error) {
        finish(() => reject(error));
      }
    };
    const stop = changes.onChange(() => look(false));
    const timer = setTimeout(() => look(true), options.withinMs);
    look(false);
  });
}

export function newState(options: {
  scopes: readonly string[] | undefined;
  now: () => Date;
  changed: () => void;
}): SlackState {
  const identity = newIdentity(options.scopes ?? everyScope);
  const members = [...people.map(({ id }) => id), identity.botUserId];
  const channel = { id: "C0ACCESS", name: "cluster-access", members, archived: false, private: false };
  return {
    identity,
    now: options.now,
    people,
    usergroups: new Map(),
    deactivated: new Set(),
    organization: null,
    channels: new Map([[channel.id, channel]]),
    messages: [],
    views: new Map(),
    homes: new Map(),
    triggers: new Map(),
    responseUrls: new Map(),
    changed: options.changed,
    nextTs: messageClock(options.now),
  };
}

/** Each workspace has its own secrets, so that no written-down secret works. */
function newIdentity(scopes: readonly string[]) {
  const secret = () => randomBytes(16).toString("hex");
  return {
    teamId: "T0SANDBOX",
    teamDomain: "sandbox",
    appId: "A0SANDBOX",
    botId: "B0SANDBOX",
    botUserId: "U0BOT",
    botToken: `xoxb-sandbox-${secret()}`,
    appToken: `xapp-sandbox-${secret()}`,
    signingSecret: secret(),
    scopes,
  };
}
