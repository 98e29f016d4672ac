import type { UsersInfoResponse, WebClient } from "@slack/web-api";
import { tooLarge } from "../../access/failure/bounded-pages.ts";
import { isUser } from "../../access/policy/person.ts";
import { slackErrorCode, slackFailure } from "../app/slack-failure.ts";

/** What Slack says of people: who is in which user group, and whose e-mail address is of which domain. */
export interface Directory {
  /**
   * Which of these user groups (`S…`) and e-mail domains (`@example.com`) somebody is of, sorted. Asks Slack only for
   * what is named. @throws AccessError: what can't be asked is not guessed
   */
  membershipsOf(user: string, named: readonly string[]): Promise<readonly string[]>;
  /** The people of a user group, without deactivated ones. @throws AccessError */
  membersOf(group: string): Promise<readonly string[]>;
  /** What Slack says of somebody's account now. @throws AccessError */
  accountOf(user: string): Promise<Account>;
}

/**
 * - `active`: a member of this workspace who can sign in
 * - `guest`: somebody whom the workspace has invited into some of its channels
 * - `of-another-workspace`: somebody who is here by a shared channel alone
 */
export type Account = "active" | "guest" | "deactivated" | "of-another-workspace" | "bot" | "unknown";

/** How long an answer is believed: so long does somebody who was taken out of a group still count. */
const believedMs = 30_000;
const mostAnswers = 2_000;
/** A group of people who decide, or who may ask: more than these is a mistake, and each of them may be asked for one by one. */
const mostMembers = 10_000;

type SlackUser = NonNullable<UsersInfoResponse["user"]>;

interface SlackPerson {
  readonly account: Account;
  /** Lower case, with its `@`; null: none that this workspace vouches for. */
  readonly domain: string | null;
}

/** The directory of the workspace in which the bot is installed. Answers are kept for half a minute, 2,000 at most. */
export function slackDirectory(client: WebClient, now: () => Date): Directory {
  const remember = remembering(now);
  const membersOf = (group: string) =>
    remember(group, async () => {
      const { users = [] } = await client.usergroups.users.list({ usergroup: group }).catch((error: unknown) => {
        throw slackFailure(error, `The user group ${group} of the policy`);
      });
      if (users.length <= mostMembers) return users;
      throw tooLarge(`The user group ${group} of the policy has more than ${mostMembers} people`);
    });
  const ownTeam = () => remember("own team", async () => (await client.auth.test()).team_id ?? "");
  const personOf = (user: string) => remember(user, () => askForPerson(client, user, ownTeam));
  return {
    membersOf,
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

/**
 * The address of somebody of another workspace, who is here by Slack Connect, is that workspace's word: it proves
 * nothing to us.
 */
async function askForPerson(client: WebClient, user: string, ownTeam: () => Promise<string>): Promise<SlackPerson> {
  try {
    const [{ user: found }, team] = await Promise.all([client.users.info({ user }), ownTeam()]);
    const account = found ? accountIn(team, found) : "unknown";
    const email = account === "active" && found?.is_email_confirmed !== false ? (found?.profile?.email ?? "") : "";
    const domain = /@[^@\s]+$/.exec(email.toLowerCase())?.[0] ?? null;
    return { account, domain };
  } catch (error) {
    if (slackErrorCode(error) === "user_not_found") return { account: "unknown", domain: null };
    throw slackFailure(error, `What Slack knows of ${user}`);
  }
}

/** In an Enterprise organization somebody belongs to several workspaces: `enterprise_user` names them all. */
function accountIn(team: string, user: SlackUser): Account {
  const isOurs = user.team_id === team || user.enterprise_user?.teams?.includes(team) === true;
  if (!isOurs || user.is_stranger) return "of-another-workspace";
  if (user.is_bot) return "bot";
  if (user.deleted) return "deactivated";
  return user.is_restricted || user.is_ultra_restricted ? "guest" : "active";
}

/** Keeps answers for a while. What is asked twice at once is asked once; a failure is not kept. */
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
    if (answers.size > mostAnswers && oldest !== undefined) answers.delete(oldest);
    return answer;
  };
}

/** Whom user ids and user groups name, each once; without an answer of Slack nobody of a user group. */
export async function peopleNamed(directory: Directory, names: readonly string[]): Promise<readonly string[]> {
  const people = names.map((name) => (isUser(name) ? [name] : directory.membersOf(name).catch(() => [])));
  return [...new Set((await Promise.all(people)).flat())];
}
