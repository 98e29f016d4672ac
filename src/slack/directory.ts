import type { WebClient } from "@slack/web-api";
import { slackErrorCode, slackFailure } from "./slack-failure.ts";

/** What Slack says of people: who is in which user group, and whose e-mail address is of which domain. */
export interface Directory {
  /**
   * Which of these user groups (`S…`) and e-mail domains (`@example.com`) somebody is of, sorted. Asks Slack only for
   * what is named. @throws AccessError: what can't be asked is not guessed
   */
  membershipsOf(user: string, named: readonly string[]): Promise<readonly string[]>;
  /** The people of a user group, without deactivated ones. @throws AccessError */
  membersOf(group: string): Promise<readonly string[]>;
  /** Whether somebody can still sign in to this workspace. @throws AccessError */
  isActive(user: string): Promise<boolean>;
}

/** How long an answer is believed: so long does somebody who was taken out of a group still count. */
const believedMs = 30_000;
const mostAnswers = 2_000;

interface SlackPerson {
  readonly isActive: boolean;
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
      return users;
    });
  const ownTeam = () => remember("own team", async () => (await client.auth.test()).team_id ?? "");
  const personOf = (user: string) => remember(user, () => askForPerson(client, user, ownTeam));
  return {
    membersOf,
    isActive: async (user) => (await personOf(user)).isActive,
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
    const isOurs = found !== undefined && found.team_id === team && !found.is_stranger && !found.is_bot;
    const isActive = isOurs && found.deleted !== true;
    const email = isActive && found.is_email_confirmed !== false ? (found.profile?.email ?? "") : "";
    const domain = /@[^@\s]+$/.exec(email.toLowerCase())?.[0] ?? null;
    return { isActive, domain };
  } catch (error) {
    if (slackErrorCode(error) === "user_not_found") return { isActive: false, domain: null };
    throw slackFailure(error, `What Slack knows of ${user}`);
  }
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
