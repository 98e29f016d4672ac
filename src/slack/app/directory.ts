import { setTimeout as wait } from "node:timers/promises";
import type { UsersInfoResponse, WebClient } from "@slack/web-api";
import { putNewest } from "../../access/collections.ts";
import { isUser } from "../../access/policy/rule.ts";
import type { DecisionKeys } from "../../access/seal.ts";
import { readGroups, sealGroups } from "../../access/shared-lists.ts";
import type { LinkLedger } from "../../ledger/links.ts";
import type { TurnLedger } from "../../ledger/turns.ts";
import { answerTooLarge } from "../../operations/bounds.ts";
import { type Installation, installationOf } from "./payload.ts";
import { slackErrorCode, slackFailure } from "./web-client.ts";

/** What Slack knows about people: their user groups and e-mail domains. */
export interface Directory {
  /** Sorted: user groups (`S…`), e-mail domains (`@example.com`) and their other user ids. @throws AccessError */
  membershipsOf(user: string, named: readonly string[]): Promise<readonly string[]>;
  /** The active people of a user group. @throws AccessError */
  membersOf(group: string): Promise<readonly string[]>;
  /** The email address of an active account that Slack has confirmed; null: there is none. @throws AccessError */
  emailOf(user: string): Promise<string | null>;
  /** The state of a person's account now. @throws AccessError */
  accountOf(user: string): Promise<Account>;
  /** In an Enterprise organization it is the organization's: older workspaces have another. @throws AccessError */
  idOf(user: string): Promise<string>;
  /** That one and the older ones. @throws AccessError */
  idsOf(user: string): Promise<readonly string[]>;
}

/** `active`: a member who can sign in. `guest`: invited into some channels. `of-another-workspace`: in a shared channel. */
export type Account = "active" | "guest" | "deactivated" | "of-another-workspace" | "bot" | "unknown";

/** How long an answer counts: a person who leaves a group still counts this long. */
export const believedMs = 30_000;
const maxAnswers = 2_000;
/** A larger group is a mistake, and each person can cost a call. */
const maxMembers = 10_000;

type SlackUser = NonNullable<UsersInfoResponse["user"]>;

interface SlackPerson {
  /** The first is the organization's, if the person has one. */
  readonly ids: readonly [string, ...string[]];
  readonly account: Account;
  /** Lower case, with its `@`; null: this workspace confirms none. */
  readonly domain: string | null;
  readonly confirmedEmail: string | null;
}

/**
 * The directory of the bot's workspace or organization. It keeps answers for half a minute, at most 2,000.
 * @param workspace its user groups count (`T…`), if the app is installed for an organization; null: the bot's own
 * @param shared lets all Slack processes share one answer about user groups; null: each asks for itself
 */
export function slackDirectory(
  client: WebClient,
  now: () => Date,
  {
    workspace = null,
    shared = null,
  }: { readonly workspace?: string | null; readonly shared?: GroupsPlace | null } = {},
): Directory {
  const remember = remembering(now);
  const team = workspace === null ? {} : { team_id: workspace };
  const asked = { client, team, shared, now };
  const membersOf = async (group: string) => {
    const groups = await remember("user groups", () => groupsNow(asked, group));
    const users = groups?.people.get(group) ?? (await remember(group, () => askForMembers(client, team, group)));
    if (users.length <= maxMembers) return users;
    throw answerTooLarge(`The user group ${group} of the policy has over ${maxMembers} people`);
  };
  /** Null: there is none. Undefined: Slack was not asked yet. */
  let organization: string | null | undefined;
  const ownInstallation = () =>
    remember("own installation", async () => {
      const place = installationOf(await client.auth.test());
      organization = place.organization;
      return place;
    });
  const personOf = (user: string) => remember(user, () => askForPerson(client, user, ownInstallation));
  // Every other workspace has one id for a person, so a name in the policy needs no answer of Slack.
  const idsOf = async (user: string) => (organization ? (await personOf(user)).ids : [user]);
  const isIn = async (user: string, name: string) => {
    if (name.startsWith("@")) return (await personOf(user)).domain === name;
    if (isUser(name)) return name !== user && (await idsOf(user)).includes(name);
    const members = await membersOf(name);
    return members.includes(user) || (await idsOf(user)).some((id) => members.includes(id));
  };
  return {
    membersOf,
    idsOf,
    emailOf: async (user) => (await personOf(user)).confirmedEmail,
    accountOf: async (user) => (await personOf(user)).account,
    idOf: async (user) => {
      if (organization === undefined) await ownInstallation();
      return organization ? (await personOf(user)).ids[0] : user;
    },
    membershipsOf: async (user, named) => {
      const isMember = await Promise.all(named.map((name) => isIn(user, name)));
      return named.filter((_, index) => isMember[index]).toSorted();
    },
  };
}

/** Another workspace sets the address of a Slack Connect guest, so it proves nothing to us. */
async function askForPerson(
  client: WebClient,
  user: string,
  ownInstallation: () => Promise<Installation>,
): Promise<SlackPerson> {
  try {
    const [{ user: found }, place] = await Promise.all([client.users.info({ user }), ownInstallation()]);
    const account = found ? accountIn(place, found) : "unknown";
    const email = account === "active" && found?.is_email_confirmed ? (found.profile?.email ?? "") : "";
    const domain = /@[^@\s]+$/.exec(email.toLowerCase())?.[0] ?? null;
    return { ids: idsIn(place, user, found), account, domain, confirmedEmail: email || null };
  } catch (error) {
    if (slackErrorCode(error) === "user_not_found") {
      return { ids: [user], account: "unknown", domain: null, confirmedEmail: null };
    }
    throw slackFailure(error, `the profile of ${user}`);
  }
}

/**
 * A workspace that joined an organization gives older people its own id and the organization's. Only our organization's counts.
 * @see https://docs.slack.dev/reference/methods/migration.exchange
 */
function idsIn(place: Installation, asked: string, user: SlackUser | undefined): readonly [string, ...string[]] {
  const { id: global, enterprise_id: of } = user?.enterprise_user ?? {};
  if (!global || place.organization === null || of !== place.organization) return [asked];
  return [global, ...[asked, user?.id ?? asked].filter((each) => each !== global)];
}

/** In an Enterprise organization a person has several workspaces: `enterprise_user` lists them all. */
function accountIn({ team, enterprise }: Installation, user: SlackUser): Account {
  const { teams = [], enterprise_id: organization } = user.enterprise_user ?? {};
  const isOfTeam = user.team_id === team || teams.includes(team);
  const isOurs = enterprise === null ? isOfTeam : organization === enterprise;
  if (!isOurs || user.is_stranger) return "of-another-workspace";
  // Slack does not mark its own Slackbot as a bot.
  if (user.is_bot || user.id === "USLACKBOT") return "bot";
  if (user.deleted) return "deactivated";
  return user.is_restricted || user.is_ultra_restricted ? "guest" : "active";
}

function untilOf(value: unknown): { readonly until?: number } {
  return typeof value === "object" && value !== null && "until" in value && typeof value.until === "number"
    ? { until: value.until }
    : {};
}

/** Equal questions at the same time are one call. It keeps no failure. */
function remembering(now: () => Date): <T>(key: string, ask: () => Promise<T>) => Promise<T> {
  const answers = new Map<string, { readonly until: number; readonly answer: Promise<unknown> }>();
  return <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const known = answers.get(key);
    if (known && known.until > now().getTime()) return known.answer as Promise<T>;
    const answer = ask();
    const asked = { until: now().getTime() + believedMs, answer };
    putNewest(answers, key, asked, maxAnswers);
    answer.then(
      // Another process's answer is older than this question.
      (value) => Object.assign(asked, untilOf(value)),
      () => answers.delete(key),
    );
    return answer;
  };
}

/** The people of these user ids and user groups, each once. Without an answer of Slack, a group is empty. */
export async function peopleNamed(directory: Directory, names: readonly string[]): Promise<readonly string[]> {
  const people = names.map((name) => (isUser(name) ? [name] : directory.membersOf(name).catch(() => [])));
  return [...new Set((await Promise.all(people)).flat())];
}

export interface GroupsPlace {
  readonly ledger: Pick<LinkLedger & TurnLedger, "userGroups" | "shareUserGroups" | "takeTurn">;
  readonly keys: DecisionKeys;
}

export interface GroupsAnswer {
  readonly people: ReadonlyMap<string, readonly string[]>;
  /** How long it counts, in milliseconds since 1970. */
  readonly until: number;
}

interface GroupsQuestion {
  readonly client: WebClient;
  readonly team: Team;
  readonly shared: GroupsPlace | null;
  readonly now: () => Date;
}

type Team = { readonly team_id?: string };

/** A larger answer stays in its process: the others would read it each half minute. Characters. */
const maxShared = 1_000_000;

/**
 * The people of every user group, in one call for all Slack processes: Slack takes 20 of them in a minute. Null: they are too many for one
 * answer, or Slack takes no more of these calls now, so ask for one group.
 */
async function groupsNow(question: GroupsQuestion, group: string): Promise<GroupsAnswer | null> {
  const { client, team, now } = question;
  const known = (await sharedNow(question)) ?? (await askedByAnother(question));
  if (known) return known;
  const at = now();
  try {
    const { usergroups = [] } = await client.usergroups.list({ ...team, include_users: true });
    const people = new Map(usergroups.flatMap(({ id, users }) => (id && users ? [[id, users] as const] : [])));
    void share(question, at, people);
    return { people, until: at.getTime() + believedMs };
  } catch (error) {
    const failure = slackFailure(error, `the user group ${group} of the policy`);
    if (slackErrorCode(error) === "ratelimited" || failure.code === "answer-too-large") return null;
    throw failure;
  }
}

/** How long a process waits for another process's answer, and how often it looks. A click has three seconds. In milliseconds. */
const patience = { forMs: 1_000, everyMs: 100 };

/** Processes without the answer make one call: the first asks, the others wait for its answer. Null: ask Slack now. */
async function askedByAnother(question: GroupsQuestion): Promise<GroupsAnswer | null> {
  const turn = `user-groups-${question.team.team_id ?? ""}`;
  const isTaken = (await question.shared?.ledger.takeTurn(turn, 2 * patience.forMs).catch(() => true)) === false;
  if (!isTaken) return null;
  for (let waited = 0; waited < patience.forMs; waited += patience.everyMs) {
    await wait(patience.everyMs);
    const known = await sharedNow(question);
    if (known) return known;
  }
  return null;
}

async function sharedNow({ shared, team, now }: GroupsQuestion): Promise<GroupsAnswer | null> {
  const stored = await shared?.ledger.userGroups().catch(() => null);
  if (!shared || !stored) return null;
  const place = { workspace: team.team_id ?? "", now: now(), ageMs: believedMs };
  const read = readGroups(stored, place, shared.keys);
  return read && { people: new Map(Object.entries(read.groups)), until: Date.parse(read.at) + believedMs };
}

async function share({ shared, team }: GroupsQuestion, at: Date, people: GroupsAnswer["people"]): Promise<void> {
  const groups = { workspace: team.team_id ?? "", at: at.toISOString(), groups: Object.fromEntries(people) };
  if (!shared || JSON.stringify(groups).length > maxShared) return;
  await shared.ledger.shareUserGroups(sealGroups(groups, shared.keys)).catch(() => {});
}

async function askForMembers(client: WebClient, team: Team, group: string): Promise<readonly string[]> {
  try {
    const { users } = await client.usergroups.users.list({ ...team, usergroup: group });
    if (users) return users;
    throw new Error("The answer has no users");
  } catch (error) {
    throw slackFailure(error, `the user group ${group} of the policy`);
  }
}
