import { setTimeout as wait } from "node:timers/promises";
import type { WebClient } from "@slack/web-api";
import type { DecisionKeys } from "../../access/approval/seal.ts";
import { readGroups, sealGroups } from "../../access/approval/user-groups.ts";
import type { LinkLedger, TurnLedger } from "../../ledger/ledger.ts";
import { slackErrorCode, slackFailure } from "../app/web-client.ts";

/** Where Slack processes share the people of user groups. */
export interface GroupsPlace {
  readonly ledger: Pick<LinkLedger & TurnLedger, "userGroups" | "shareUserGroups" | "takeTurn">;
  readonly keys: DecisionKeys;
}

/** The people of every user group. */
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
  readonly believedMs: number;
}

type Team = { readonly team_id?: string };

/** A larger answer stays in its process: the others would read it each half minute. Characters. */
const maxShared = 1_000_000;

/**
 * The people of every user group, in one call for all Slack processes: Slack takes 20 of them in a minute. Null: they are too many for one
 * answer, or Slack takes no more of these calls now, so ask for one group.
 */
export async function groupsNow(question: GroupsQuestion, group: string): Promise<GroupsAnswer | null> {
  const { client, team, now, believedMs } = question;
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

/** Without the ledger, Slack itself answers. */
async function sharedNow({ shared, team, now, believedMs }: GroupsQuestion): Promise<GroupsAnswer | null> {
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

export async function askForMembers(client: WebClient, team: Team, group: string): Promise<readonly string[]> {
  try {
    return (await client.usergroups.users.list({ ...team, usergroup: group })).users ?? [];
  } catch (error) {
    throw slackFailure(error, `the user group ${group} of the policy`);
  }
}
