import type { UsersInfoResponse, WebClient } from "@slack/web-api";
import { answerTooLarge } from "../../access/failure/bounded-pages.ts";
import { isUser } from "../../access/policy/person.ts";
import { type Installation, installationOf } from "../app/installation.ts";
import { slackErrorCode, slackFailure } from "../app/web-client.ts";

/** What Slack says about people: their user groups and e-mail domains. */
export interface Directory {
  /**
   * Which of these user groups (`S…`) and e-mail domains (`@example.com`) a person belongs to, sorted. Asks Slack only about
   * these. @throws AccessError: no answer is never a guess
   */
  membershipsOf(user: string, named: readonly string[]): Promise<readonly string[]>;
  /** The active people of a user group. @throws AccessError */
  membersOf(group: string): Promise<readonly string[]>;
  /** The email address of an active account that Slack has confirmed; null: there is none. @throws AccessError */
  emailOf(user: string): Promise<string | null>;
  /** The state of a person's account now. @throws AccessError */
  accountOf(user: string): Promise<Account>;
}

/**
 * - `active`: a member of this workspace who can sign in
 * - `guest`: a person invited into some channels
 * - `of-another-workspace`: a person in a shared channel
 */
export type Account = "active" | "guest" | "deactivated" | "of-another-workspace" | "bot" | "unknown";

/** How long an answer counts: a person removed from a group still counts this long. */
const believedMs = 30_000;
const maxAnswers = 2_000;
/** A larger group of approvers or requesters is a mistake, and each person may cost a call. */
const maxMembers = 10_000;

type SlackUser = NonNullable<UsersInfoResponse["user"]>;

interface SlackPerson {
  readonly account: Account;
  /** Lower case, with its `@`; null: none that this workspace vouches for. */
  readonly domain: string | null;
  readonly confirmedEmail: string | null;
}

/**
 * The directory of the bot's workspace or organization. It keeps answers for half a minute, at most 2,000.
 * @param workspace whose user groups count (`T…`), if the app is installed for an organization; null: the bot's own
 */
export function slackDirectory(client: WebClient, now: () => Date, workspace: string | null = null): Directory {
  const remember = remembering(now);
  const team = workspace === null ? {} : { team_id: workspace };
  const membersOf = async (group: string) => {
    const groups = await remember("user groups", () => askForGroups(client, team, group));
    const users = groups?.get(group) ?? (await remember(group, () => askForMembers(client, team, group)));
    if (users.length <= maxMembers) return users;
    throw answerTooLarge(`The user group ${group} of the policy has more than ${maxMembers} people`);
  };
  const ownInstallation = () => remember("own installation", async () => installationOf(await client.auth.test()));
  const personOf = (user: string) => remember(user, () => askForPerson(client, user, ownInstallation));
  return {
    membersOf,
    emailOf: async (user) => (await personOf(user)).confirmedEmail,
    accountOf: async (user) => (await personOf(user)).account,
    membershipsOf: async (user, named) => {
      const isMember = await Promise.all(
        named.map(async (name) =>
          name.startsWith("@") ? (await personOf(user)).domain === name : (await membersOf(name)).includes(user),
        ),
      );
      return named.filter((_, index) => isMember[index]).toSorted();
    },
  };
}

type Team = { readonly team_id?: string };

/**
 * The people of every user group, in one call: Slack takes 20 of them in a minute. Null: they are too many for one answer, or Slack takes
 * no more of these calls now, so ask for one group.
 */
async function askForGroups(
  client: WebClient,
  team: Team,
  group: string,
): Promise<ReadonlyMap<string, readonly string[]> | null> {
  try {
    const { usergroups = [] } = await client.usergroups.list({ ...team, include_users: true });
    return new Map(usergroups.flatMap(({ id, users }) => (id && users ? [[id, users] as const] : [])));
  } catch (error) {
    const failure = slackFailure(error, `The user group ${group} of the policy`);
    if (slackErrorCode(error) === "ratelimited" || failure.code === "answer-too-large") return null;
    throw failure;
  }
}

async function askForMembers(client: WebClient, team: Team, group: string): Promise<readonly string[]> {
  try {
    return (await client.usergroups.users.list({ ...team, usergroup: group })).users ?? [];
  } catch (error) {
    throw slackFailure(error, `The user group ${group} of the policy`);
  }
}

/** Another workspace sets the address of a Slack Connect guest: it proves nothing to us. */
async function askForPerson(
  client: WebClient,
  user: string,
  ownInstallation: () => Promise<Installation>,
): Promise<SlackPerson> {
  try {
    const [{ user: found }, place] = await Promise.all([client.users.info({ user }), ownInstallation()]);
    const account = found ? accountIn(place, found) : "unknown";
    const email = account === "active" && found?.is_email_confirmed !== false ? (found?.profile?.email ?? "") : "";
    const domain = /@[^@\s]+$/.exec(email.toLowerCase())?.[0] ?? null;
    return { account, domain, confirmedEmail: found?.is_email_confirmed === true && email !== "" ? email : null };
  } catch (error) {
    if (slackErrorCode(error) === "user_not_found") return { account: "unknown", domain: null, confirmedEmail: null };
    throw slackFailure(error, `What Slack knows of ${user}`);
  }
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

/** Keeps answers for a while. Equal questions at one time are one call; a failure is not kept. */
function remembering(now: () => Date): <T>(key: string, ask: () => Promise<T>) => Promise<T> {
  const answers = new Map<string, { readonly until: number; readonly answer: Promise<unknown> }>();
  return <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const known = answers.get(key);
    if (known && known.until > now().getTime()) return known.answer as Promise<T>;
    const answer = ask();
    answers.delete(key);
    answers.set(key, { until: now().getTime() + believedMs, answer });
    answer.catch(() => answers.delete(key));
    const [oldest] = answers.keys();
    if (answers.size > maxAnswers && oldest !== undefined) answers.delete(oldest);
    return answer;
  };
}

/** The people that user ids and user groups name, each once. If Slack does not answer, a user group names no one. */
export async function peopleNamed(directory: Directory, names: readonly string[]): Promise<readonly string[]> {
  const people = names.map((name) => (isUser(name) ? [name] : directory.membersOf(name).catch(() => [])));
  return [...new Set((await Promise.all(people)).flat())];
}
