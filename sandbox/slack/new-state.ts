import { randomBytes } from "node:crypto";
import type { SandboxUser } from "./shapes.ts";
import { messageClock, type SlackIdentity, type SlackState } from "./state.ts";

const engineer: SandboxUser = {
  id: "U0ENGINEER",
  name: "engineer",
  email: "engineer@example.com",
  timezone: "Europe/Zurich",
};
const approver: SandboxUser = {
  id: "U0APPROVER",
  name: "approver",
  email: "approver@example.com",
  timezone: "Europe/London",
};
const secondApprover: SandboxUser = {
  id: "U0APPROVER2",
  name: "second-approver",
  email: "second-approver@example.com",
  timezone: "America/New_York",
};
const onCall: SandboxUser = {
  id: "U0ONCALL",
  name: "on-call",
  email: "on-call@example.com",
  timezone: "Asia/Tokyo",
};

/** The people of every sandbox workspace, one for each role that the product knows. */
const people = [engineer, approver, secondApprover, onCall] as const;

/** Everything that the stand-in asks a scope for. */
const everyScope = [
  ...["chat:write", "commands", "im:write", "im:read", "im:history"],
  ...["channels:read", "channels:history", "groups:read", "groups:history"],
  ...["users:read", "users:read.email", "usergroups:read"],
] as const;

/** A workspace with its people, one channel where everybody and the bot is, and nothing said yet. */
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

/** Each workspace has secrets of its own, so that nothing can work by a secret that was written down. */
function newIdentity(scopes: readonly string[]): SlackIdentity {
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
