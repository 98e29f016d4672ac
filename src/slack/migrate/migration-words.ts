import { type MigrationRefusal, migrationApprovals } from "../../access/approval/decide-migration.ts";
import { clusterOfMigration, isMigrationOver, type Migration } from "../../access/migration/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { counted } from "../../diagnosis/link.ts";
import { detailsButton } from "../blocks/buttons.ts";
import type { Message } from "../blocks/message.ts";
import { answer } from "../blocks/message.ts";
import { code, mention, plainLine, section, styled, time } from "../blocks/mrkdwn.ts";
import type { Milestone } from "../lease/requester-message.ts";

/** Who asks for what. */
export function migrationTitle({ requester, cluster }: Migration): string {
  return `${mention(requester)} asks to move ${code(cluster)} from aws-auth to access entries`;
}

/** The state of a move in a few words, with who and when. Says nothing that is not true yet (law 5). */
export function migrationState(migration: Migration): string {
  const { approvals, plan } = migration;
  switch (migration.state) {
    case "pending":
      if (!plan) return "Looking at the cluster";
      if (approvals.length === 0) return `Waiting for ${migrationApprovals} approvals, of different people`;
      return `Approved by ${approversOf(migration)}. Waiting for another approver`;
    case "running":
      return `Approved by ${approversOf(migration)}. ${progressOf(migration)}`;
    case "done":
      return `Approved by ${approversOf(migration)}. *Done* ${time(migration.endedAt)}. ${lastStep(migration)}`;
    case "denied":
      return `Denied by ${mention(migration.denial.by)}: ${plainLine(migration.denial.why, 600)}`;
    case "withdrawn": {
      const { by, why } = migration.withdrawal;
      return `*Stopped* by ${mention(by)}${why ? `: ${plainLine(why, 300)}` : ""}. ${whatStays(migration)}`;
    }
    case "lapsed":
      return `*Lapsed* ${time(migration.endedAt)}. ${whatStays(migration)}`;
    case "refused":
      return `Refused: ${styled(migration.refusal.message, 1500)}`;
  }
}

function approversOf({ approvals }: Migration): string {
  return approvals.map(({ by, at }) => `${mention(by)} ${time(at)}`).join(", ");
}

function progressOf({ begun, settlesAt, done, plan }: Migration): string {
  const count = `${done.length} of ${plan?.summary.steps.length ?? 0} steps`;
  if (begun) return `Carrying it out: ${count}, now ${code(begun.name, 200)}`;
  if (settlesAt) return `Carrying it out: ${count}. Nothing goes out of aws-auth before ${time(settlesAt)}`;
  return `Carrying it out: ${count}`;
}

/** What was carried out is not taken back: who stops it has to know what it is, and how to go on. */
function whatStays({ done, cluster, begun }: Migration): string {
  if (begun) return `The step ${code(begun.name, 200)} had begun, and is seen to`;
  if (done.length === 0) return "Nothing was changed";
  const on = code(`/eks-access migrate ${cluster} ask`);
  return `${counted(done.length, "step")} carried out, which stay: whoever could sign in before still can. ${on} goes on from there`;
}

/** The mode is never switched to API by us: there is no way back from it, and nobody reads aws-auth then. */
function lastStep({ plan, cluster }: Migration): string {
  const before = plan?.summary.before.length ?? 0;
  const left =
    before > 0 ? `${counted(before, "item")} of aws-auth would be lost by it` : "Nothing needs aws-auth any more";
  return `The mode ${code("API")} is an operator's own step, which can't be taken back. ${left}: ${code(`/eks-access migrate ${cluster}`)} says how`;
}

/** What failed, how to mend it, and when it is tried again; null: nothing did. @param maxLength of the failure, in characters */
export function migrationTrouble({ trouble, done }: Migration, maxLength = 1200): string | null {
  if (!trouble) return null;
  const stays = done.length > 0 ? " What was carried out stays." : "";
  return `:warning: ${styled(trouble.message, maxLength)}${stays} It is tried again ${time(trouble.retryAt)}.`;
}

/**
 * What calls an approver in a direct message where the channel can't, when they are asked and with each reminder. It shows no
 * plan, which may be another one when they read it, and leads to it. Null: nobody has to decide.
 */
export function migrationCall(migration: Migration): Milestone | null {
  const { state, plan, reminders, lapsesAt } = migration;
  if (state !== "pending" || !plan) return null;
  const why = "The channel of the cluster can't be reached, so you are asked here";
  const text = `${migrationTitle(migration)}. ${migrationState(migration)}. ${why}. It lapses ${time(lapsesAt)}.`;
  const actions = { type: "actions" as const, elements: [detailsButton(migration, "Review")] };
  return { name: `call-${plan.at}-${reminders?.sent ?? 0}`, message: { text, blocks: [section(text), actions] } };
}

export function migrationAskedAnswer({ id, cluster }: Migration): Message {
  return answer(
    `Migration ${code(id)} of ${code(cluster)} is recorded. The worker plans it first, then the approvers are asked in their channel: ${migrationApprovals} of them have to approve it.`,
  );
}

/** Of one cluster there is one move at a time. */
export function migrationOpenAnswer(migration: Migration): Message {
  return answer(
    `${code(migration.id)} of ${mention(migration.requester)} is not over: ${migrationState(migration)}. Its message has the buttons.`,
  );
}

export function noMigrationAnswer(cluster: string): Message {
  return answer(`No migration of ${code(cluster)} is under way.`);
}

/** Nobody has asked for it, or its id was mistyped. */
export function noSuchMigrationAnswer(id: string): Message {
  return answer(`There is no migration ${code(id)}. Look at its message for the id.`);
}

/** A move is stopped by its cluster, of which there is one at a time: also by approvers, and between two steps. */
export function stopMigrationByAnswer(id: string): Message {
  const line = code(`/eks-access migrate ${clusterOfMigration(id)} withdraw`);
  return answer(`Nothing was changed. A migration is stopped by ${line}.`);
}

export function migrationDeniedAnswer({ id }: Pick<Migration, "id">): Message {
  return answer(`Migration ${code(id)} is denied. The requester gets your reason.`);
}

/** An approval that is one of two. */
export function migrationApprovedAnswer({ approvals, cluster }: Migration): Message {
  const left = counted(migrationApprovals - approvals.length, "more approval");
  return answer(`Your approval is recorded. It takes ${left}, of another approver of ${code(cluster)}.`);
}

export function migrationRetriedAnswer({ id }: Migration): Message {
  return answer(`Migration ${code(id)} is tried again now.`);
}

export function migrationWithdrawnAnswer(migration: Migration): Message {
  return answer(`${code(migration.id)}: ${migrationState(migration)}.`);
}

/** Why a click or a command on a move changed nothing. */
export function migrationRefusedAnswer(
  refusal: MigrationRefusal,
  migration: Migration,
  { name, quiet }: Cluster,
): Message {
  return answer(refusalWords(refusal, migration, name, quiet));
}

function refusalWords(refusal: MigrationRefusal, migration: Migration, name: string, quiet: Cluster["quiet"]): string {
  switch (refusal) {
    case "already-decided":
    case "over":
      return `Nothing was changed. ${code(migration.id)}: ${migrationState(migration)}.`;
    case "lapsed":
      return `Nothing was changed: ${code(migration.id)} has lapsed. Ask for it again with ${code(`/eks-access migrate ${name} ask`)}.`;
    case "not-an-approver":
      return `Approvers of ${code(name)} decide about this plan.`;
    case "no-plan":
      return `The worker has no plan to show yet. Decide when ${code(`/eks-access status ${migration.id}`)} shows it.`;
    case "plan-differs":
      return `Nothing was changed: the plan is another one now. Read it with ${code(`/eks-access status ${migration.id}`)}, and decide there.`;
    case "quiet":
      return `Nothing is approved on ${code(name)} now: it is quiet (${plainLine(quiet ?? "").replace(/\.$/, "")}). You can still deny.`;
    case "approved-already":
      return "You have approved this plan already. Another approver has to approve it too.";
    case "not-yours":
      return `Who asked for it, approvers of ${code(name)} and its on-call may do that.`;
    case "not-in-trouble":
      return isMigrationOver(migration)
        ? `${code(migration.id)} is over.`
        : `${code(migration.id)} is under way: ${migrationState(migration)}.`;
  }
}
