import { Faults } from "../faults.ts";
import { type SandboxRequest, type SandboxRoute, type StandIn, startSandboxServer } from "../http-server.ts";
import type { JsonObject } from "../json.ts";
import { answerResponse } from "./acknowledgements.ts";
import {
  ackDeadline,
  type Deliver,
  deliverOverHttp,
  makeSocketMode,
  type Outgoing,
  type SocketMode,
} from "./delivery.ts";
import type { SandboxChannel, SandboxMessage, SandboxUser } from "./inputs.ts";
import { chatMethods, textOf } from "./message-content.ts";
import { answerCall, type Methods, neededText, rateCounter, SlackRefusal, type WebApi } from "./method.ts";
import { viewMethods } from "./open-views.ts";
import { groupChangedPayloads } from "./payloads.ts";
import { type PersonContext, SandboxPerson } from "./person.ts";
import { makeChanges, newState, personWith, type SlackState, untilFound } from "./state.ts";

/** A Slack workspace with the app installed, over real HTTP on the loopback address. */
export type SandboxSlack = Awaited<ReturnType<typeof startSandboxSlack>>;

/** Its clock is also that of message ids, triggers, response URLs, rate limits and signatures. */
export interface SandboxSlackOptions extends StandIn {
  /** PEM: it speaks HTTPS; absent: HTTP. */
  tls?: { key: string; cert: string } | undefined;
  scopes?: readonly string[];
  rateLimits?: boolean | undefined;
  /** How long it waits for an acknowledgement, in milliseconds; by default as long as Slack. */
  ackWithinMs?: number | undefined;
}

export async function startSandboxSlack(options: SandboxSlackOptions = {}) {
  const faults = options.faults ?? new Faults();
  const changes = makeChanges();
  const now = options.now ?? (() => new Date());
  const state = newState({ scopes: options.scopes, now, changed: changes.announce });
  const ackWithinMs = options.ackWithinMs ?? ackDeadline;
  const sockets = makeSocketMode(() => server.url.replace("http", "ws"), state.identity.appId, ackWithinMs);
  const methods = { ...chatMethods, ...peopleMethods, ...viewMethods, ...socketModeMethods(sockets) };
  const count = options.rateLimits === false ? undefined : rateCounter(now);
  const server = await startServer({ state, methods, count }, sockets, { ...options, faults });
  const app = connection(state, sockets, ackWithinMs);
  return {
    ...whereItIs(server.url, state),
    faults,
    connect: app.connect,
    redeliver: app.redeliver,
    refreshSockets: sockets.refresh,
    person: peopleOf({ state, deliver: app.deliver, url: () => server.url, loaded: new Map() }),
    people: state.people,
    ...contentOf(state),
    /** The app gets the events of the change. */
    changeUsergroup: async (id: string, users: readonly string[]) => {
      const before = state.usergroups.get(id) ?? [];
      state.usergroups.set(id, users);
      for (const payload of groupChangedPayloads(state, id, before)) await app.deliver({ kind: "event", payload });
    },
    onChange: changes.onChange,
    /** Looks after each change; rejects after `withinMs` with the present state. */
    until: <T>(find: () => T | undefined, withinMs = 60_000) =>
      untilFound(changes, find, { withinMs, describe: () => describeState(state) }),
    stop: async () => {
      sockets.stop();
      await server.stop();
    },
  };
}

function startServer(api: WebApi, sockets: SocketMode, options: SandboxSlackOptions & { faults: Faults }) {
  return startSandboxServer({
    faults: options.faults,
    route: (request) => routeOf(api, request),
    host: options.host,
    tls: options.tls,
    onUpgrade: sockets.upgrade,
    onCall: options.onCall,
  });
}

function whereItIs(url: string, { identity, responseUrls }: SlackState) {
  const { botToken, appToken, signingSecret, teamId, appId, botUserId } = identity;
  const addresses = () => [...responseUrls.keys()].map((path) => path.slice(path.lastIndexOf("/") + 1));
  const secrets = () => [botToken, appToken, signingSecret, ...addresses()];
  return { url, apiUrl: `${url}/api/`, botToken, appToken, signingSecret, teamId, appId, botUserId, secrets };
}

function connection({ identity, now }: SlackState, sockets: SocketMode, ackWithinMs: number) {
  let eventsUrl: string | undefined;
  let last: Outgoing | undefined;
  const deliver: Deliver = async (outgoing, retry) => {
    last = outgoing;
    if (sockets.connected()) return sockets.deliver(outgoing, retry);
    if (eventsUrl === undefined)
      throw new Error("the app is not connected to the workspace: call connect, or open a socket");
    return deliverOverHttp(eventsUrl, outgoing, { secret: identity.signingSecret, now, ackWithinMs }, retry);
  };
  return {
    /** The app's address, for example `http://127.0.0.1:3000/slack/events`. In Socket Mode the app connects. */
    connect: (url: string) => {
      eventsUrl = url;
    },
    deliver,
    /** Sends the last request again, as Slack does without an acknowledgement. */
    redeliver: async () => {
      if (last === undefined) throw new Error("nothing was sent yet");
      return deliver(last, { num: 1, reason: "http_timeout" });
    },
  };
}

function peopleOf(context: PersonContext): (userId: string) => SandboxPerson {
  const people = new Map(context.state.people.map((user) => [user.id, new SandboxPerson(context, user)]));
  return (userId) => {
    const person = people.get(userId);
    if (person === undefined) throw new Error(`there is no person ${userId} in the workspace`);
    return person;
  };
}

function contentOf(state: SlackState) {
  const postedIn = (channelId: string) =>
    state.messages.filter(({ channel, ephemeralTo }) => channel === channelId && ephemeralTo === undefined);
  return {
    channels: () => [...state.channels.values()],
    addChannel: (channel: Pick<SandboxChannel, "id" | "name" | "members"> & Partial<SandboxChannel>) =>
      void state.channels.set(channel.id, { archived: false, private: false, ...channel }),
    addUsergroup: (id: string, users: readonly string[]) => void state.usergroups.set(id, users),
    deactivate: (user: string) => void state.deactivated.add(user),
    /** Older people get a second id, here by their first one. */
    joinOrganization: (id: string, ids: Readonly<Record<string, string>>) => {
      state.organization = { id, ids: new Map(Object.entries(ids)) };
    },
    messages: (channelId: string) => postedIn(channelId).filter((message) => !isReply(message)),
    replies: ({ channel, ts }: Pick<SandboxMessage, "channel" | "ts">) =>
      state.messages.filter((message) => message.channel === channel && message.thread_ts === ts && isReply(message)),
  };
}

function isReply({ ts, thread_ts }: SandboxMessage): boolean {
  return thread_ts !== undefined && thread_ts !== ts;
}

function describeState(state: SlackState): string {
  const messages = state.messages.map((message) => {
    const to = message.ephemeralTo ? `, seen by ${message.ephemeralTo} alone` : "";
    return `- in ${message.channel}${to}: ${textOf(message).replaceAll("\n", "\n    ")}`;
  });
  const views = [...state.views].flatMap(([user, stack]) =>
    stack.map((view) => `- open for ${user}: ${textOf(view).replaceAll("\n", "\n    ")}`),
  );
  const all = [...messages, ...views];
  return all.length === 0 ? "The workspace shows nothing." : `The workspace shows:\n${all.join("\n")}`;
}

/** The name of a request's call: `slack.<method>` under /api/, `slack.response_url` under /actions/. */
function routeOf(api: WebApi, request: SandboxRequest): SandboxRoute {
  const path = request.url.pathname;
  if (path.startsWith("/api/")) {
    const name = path.slice("/api/".length);
    return { call: `slack.${name}`, answer: () => answerCall(api, name, request) };
  }
  if (path.startsWith("/actions/") && request.method === "POST") {
    const body = request.body.toString("utf8");
    return { call: "slack.response_url", answer: () => answerResponse(api.state, path, body) };
  }
  return { call: "slack.unknown", answer: () => ({ status: 404, body: '{"ok":false,"error":"not_found"}' }) };
}

/** @see https://docs.slack.dev/reference/methods/apps.connections.open */
function socketModeMethods(sockets: SocketMode): Methods {
  return { "apps.connections.open": { limit: "tier 1", appToken: true, answer: () => ({ url: sockets.newUrl() }) } };
}

/** @see https://docs.slack.dev/reference/methods/users.info and its neighbours */
const peopleMethods: Methods = {
  "auth.test": { limit: "tier 4", answer: authTest },
  "users.info": { scope: "users:read", limit: "tier 4", answer: usersInfo },
  "usergroups.list": { scope: "usergroups:read", limit: "tier 2", answer: usergroupsList },
  "usergroups.users.list": { scope: "usergroups:read", limit: "tier 2", answer: usergroupUsers },
};

function authTest({ identity, organization }: SlackState): JsonObject {
  return {
    url: `https://${identity.teamDomain}.slack.com/`,
    team: identity.teamDomain,
    user: "eks-access",
    team_id: identity.teamId,
    user_id: identity.botUserId,
    bot_id: identity.botId,
    ...(organization && { enterprise_id: organization.id }),
    is_enterprise_install: false,
  };
}

function usersInfo(state: SlackState, args: JsonObject): JsonObject {
  const id = neededText(args, "user", "user_not_found");
  const person = personWith(state, id);
  if (person === undefined) throw new SlackRefusal("user_not_found");
  return { user: userJson(state, person) };
}

function usergroupsList(state: SlackState, args: JsonObject): JsonObject {
  const isAsked = args.include_users === true || args.include_users === "true";
  const usergroups = [...state.usergroups].map(([id, users]) => {
    const active = users.filter((user) => !state.deactivated.has(user));
    return { id, team_id: state.identity.teamId, handle: id.toLowerCase(), ...(isAsked && { users: active }) };
  });
  return { usergroups };
}

function usergroupUsers(state: SlackState, args: JsonObject): JsonObject {
  const users = state.usergroups.get(neededText(args, "usergroup"));
  if (users === undefined) throw new SlackRefusal("no_such_subteam");
  // Without include_disabled the list has only active accounts.
  return { users: users.filter((user) => !state.deactivated.has(user)) };
}

/** Only an app with the scope for addresses gets them in the profile. */
function userJson(state: SlackState, person: SandboxUser): JsonObject {
  const email = state.identity.scopes.includes("users:read.email") ? { email: person.email } : {};
  return {
    id: person.id,
    team_id: state.identity.teamId,
    name: person.name,
    real_name: person.name,
    deleted: state.deactivated.has(person.id),
    is_bot: false,
    is_email_confirmed: true,
    tz: person.timezone,
    ...enterpriseUser(state, person),
    profile: { real_name: person.name, display_name: person.name, ...email },
  };
}

/** @see https://docs.slack.dev/reference/objects/user-object */
function enterpriseUser({ organization, identity }: SlackState, { id }: SandboxUser): JsonObject {
  if (!organization) return {};
  const ids = { id: organization.ids.get(id) ?? id, enterprise_id: organization.id };
  return { enterprise_user: { ...ids, teams: [identity.teamId] } };
}
