import type { UsersInfoResponse, WebClient } from "@slack/web-api";
import { answerTooLarge } from "../../access/failure/bounded-pages.ts";
import { isUser } from "../../access/policy/person.ts";
import { slackErrorCode, slackFailure } from "../app/slack-failure.ts";

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
const mostAnswers = 2_000;
/** A larger group of approvers or requesters is a mistake, and each person may cost a call. */
const mostMembers = 10_000;

type SlackUser = NonNullable<UsersInfoResponse["user"]>;

interface SlackPerson {
  readonly account: Account;
  /** Lower case, with its `@`; null: none that this workspace vouches for. */
  readonly domain: string | null;
  readonly confirmedEmail: string | null;
}

/** The directory of the bot's workspace. It keeps answers for half a minute, at most 2,000. */
export function slackDirectory(client: WebClient, now: () => Date): Directory {
  const remember = remembering(now);
  const membersOf = (group: string) =>
    remember(group, async () => {
      const { users = [] } = await client.usergroups.users.list({ usergroup: group }).catch((error: unknown) => {
        throw slackFailure(error, `The user group ${group} of the policy`);
      });
      if (users.length <= mostMembers) return users;
      throw answerTooLarge(`The user group ${group} of the policy has more than ${mostMembers} people`);
    });
  const ownTeam = () => remember("own team", async () => (await client.auth.test()).team_id ?? "");
  const personOf = (user: string) => remember(user, () => askForPerson(client, user, ownTeam));
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

/** Another workspace sets the address of a Slack Connect guest: it proves nothing to us. */
async function askForPerson(client: WebClient, user: string, ownTeam: () => Promise<string>): Promise<SlackPerson> {
  try {
    const [{ user: found }, team] = await Promise.all([client.users.info({ user }), ownTeam()]);
    const account = found ? accountIn(team, found) : "unknown";
    const email = account === "active" && found?.is_email_confirmed !== false ? (found?.profile?.email ?? "") : "";
    const domain = /@[^@\s]+$/.exec(email.toLowerCase())?.[0] ?? null;
    return { account, domain, confirmedEmail: found?.is_email_confirmed === true && email !== "" ? email : null };
  } catch (error) {
    if (slackErrorCode(error) === "user_not_found") return { account: "unknown", domain: null, confirmedEmail: null };
    throw slackFailure(error, `What Slack knows of ${user}`);
  }
}

/** In an Enterprise organization a person has several workspaces: `enterprise_user` lists them all. */
function accountIn(team: string, user: SlackUser): Account {
  const isOurs = user.team_id === team || user.enterprise_user?.teams?.includes(team) === true;
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
    if (answers.size > mostAnswers && oldest !== undefined) answers.delete(oldest);
    return answer;
  };
}

/** The people that user ids and user groups name, each once. If Slack does not answer, a user group names no one. */
export async function peopleNamed(directory: Directory, names: readonly string[]): Promise<readonly string[]> {
  const people = names.map((name) => (isUser(name) ? [name] : directory.membersOf(name).catch(() => [])));
  return [...new Set((await Promise.all(people)).flat())];
}
